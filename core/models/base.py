"""What all models share: frozen, closed, UTC."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator


def to_utc(value: datetime) -> datetime:
    """Convert to UTC; a naive time is taken as an error, never guessed.

    Raises:
        ValueError: the time has no zone, or lies outside the years 1 to 9999 once it is in UTC.
    """
    if value.tzinfo is None:
        raise ValueError("a time without a zone: write it in UTC, with a trailing Z")
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time outside the years 1 to 9999") from error


Utc = Annotated[datetime, AfterValidator(to_utc)]


class Model(BaseModel):
    """Base of every noun."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Window(Model):
    """A half-open span of time ``[start, end)``."""

    start: Utc
    end: Utc

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end < self.start:
            raise ValueError("the window ends before it starts")
        return self

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return (self.end - self.start).total_seconds()


class Severity(StrEnum):
    """How bad an alert says it is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info, growing with how bad it is; the members themselves compare as words."""
        return list(Severity).index(self)


class Autonomy(StrEnum):
    """How far Quell may go for a service without a human."""

    OBSERVE = "observe"
    PROPOSE = "propose"
    ACT = "act"


class Rung(StrEnum):
    """A step of the ladder."""

    RULES = "rules"
    LOCAL = "local"
    FRONTIER = "frontier"
    HUMAN = "human"


def content_id(prefix: str, *parts: str, length: int = 12) -> str:
    """An id that is the same whenever the content is, so that a node that runs twice cites the same things."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
    return f"{prefix}_{digest[:length]}"
