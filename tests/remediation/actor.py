"""An actuator that counts what it does, and a crash at any chosen point of an action."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.errors import QuellError
from core.models import ActionOutcome, Change, RunState, Service, ServiceState, Utc, Window
from core.ports import SourceStatus
from tests.tools.world import NOON


class Crash(BaseException):
    """The process is gone: nothing may catch this and carry on."""


@dataclass
class CountingActuator:
    """Does every action whose service has a process; deliberately not idempotent, so that a second run shows.

    Attributes:
        effects: how often each (action, service) really happened.
        before, after: raised in `run` before or after the effect, once.
        sees: whether `observe` can tell; otherwise it answers None.
        under_way: so many times `observe` answers None before it can tell.
        blind: raised by `observe`.
    """

    effects: list[tuple[str, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    before: BaseException | None = None
    after: BaseException | None = None
    sees: bool = True
    under_way: int = 0
    blind: QuellError | None = None
    ok: bool = True
    name: str = "counting"

    def owns(self, service: Service) -> bool:
        return bool(service.identity.process)

    async def state(self, service: Service) -> ServiceState:
        return ServiceState(service=service.name, at=NOON, state=RunState.RUNNING)

    async def changes(self, service: Service, window: Window) -> Sequence[Change]:
        return ()

    async def run(self, action: str, service: Service, parameters: dict[str, str], key: str) -> ActionOutcome:
        before, self.before = self.before, None
        if before:
            raise before
        self.effects.append((action, service.name))
        self.keys.append(key)
        after, self.after = self.after, None
        if after:
            raise after
        return ActionOutcome(
            ok=self.ok, detail="done" if self.ok else "it came up and fell over", before="1.1", after="1.0"
        )

    async def observe(
        self, action: str, service: Service, parameters: dict[str, str], key: str, since: Utc
    ) -> bool | None:
        if self.blind:
            raise self.blind
        if self.under_way > 0:
            self.under_way -= 1
            return None
        return key in self.keys if self.sees else None

    async def status(self) -> SourceStatus:
        return SourceStatus(name=self.name, configured=True, reachable=True)


@dataclass
class CrashAt:
    """`core.hooks.Hooks` that crashes once, at one point; remembers every point passed."""

    point: str = ""
    passed: list[str] = field(default_factory=list)

    async def at(self, point: str, incident_id: str) -> None:
        self.passed.append(point)
        if point == self.point:
            self.point = ""
            raise Crash(point)
