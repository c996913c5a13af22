"""Who is told, while it happens, what runs of incidents do and what they cost."""

from __future__ import annotations

from typing import Protocol

from core.models import Escalation
from core.spending import ModelCall


class Observer(Protocol):
    """Who is told what runs of incidents do."""

    def observe_node(self, node: str, seconds: float) -> None: ...

    def observe_call(self, call: ModelCall) -> None: ...

    def observe_escalation(self, agent: str, step: Escalation) -> None: ...


class Observers:
    """Tells several what one is told; who is added later is told from then on."""

    def __init__(self) -> None:
        self._observers: list[Observer] = []

    def append(self, observer: Observer) -> None:
        """Tell that one too."""
        self._observers.append(observer)

    def observe_node(self, node: str, seconds: float) -> None:
        for each in self._observers:
            each.observe_node(node, seconds)

    def observe_call(self, call: ModelCall) -> None:
        for each in self._observers:
            each.observe_call(call)

    def observe_escalation(self, agent: str, step: Escalation) -> None:
        for each in self._observers:
            each.observe_escalation(agent, step)
