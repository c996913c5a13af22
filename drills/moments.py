"""What a drill tells while it runs, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from drills.probes import Reading


class Phase(StrEnum):
    """The steps of a drill, in order."""

    SHOP = "shop"
    BASELINE = "baseline"
    FAULT = "fault"
    NOTICED = "noticed"
    DIAGNOSIS = "diagnosis"
    VERDICT = "verdict"
    APPROVAL = "approval"
    ACTION = "action"
    VERIFICATION = "verification"
    ENDED = "ended"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Moment:
    """Something happened.

    Attributes:
        seconds: since the drill began.
        details: further lines, such as the evidence behind a diagnosis.
    """

    phase: Phase
    seconds: float
    text: str
    details: tuple[str, ...] = ()


class Audience(Protocol):
    """Is told what happens."""

    def moment(self, moment: Moment) -> None:
        """Called once for each thing that happens."""
        ...

    def customers(self, readings: tuple[Reading, ...]) -> None:
        """Called several times a second with how the shop's customers are served."""
        ...


class Silence:
    """Nobody listens."""

    def moment(self, moment: Moment) -> None:
        """Ignore it."""

    def customers(self, readings: tuple[Reading, ...]) -> None:
        """Ignore them."""
