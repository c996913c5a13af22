"""Clocks: wall time, monotonic time and waiting come from one object that is passed in."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What code that needs time may ask for."""

    def now(self) -> datetime:
        """Wall time in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow; for durations, never shown to users."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds of this clock."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that stands still until told otherwise; sleeping moves it on at once. For replay and tests."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._elapsed_seconds = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed_seconds

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Move both wall and monotonic time forward by that many seconds."""
        self._now += timedelta(seconds=seconds)
        self._elapsed_seconds += seconds


class ShiftedClock:
    """Runs at the machine's pace but starts at a given wall time: drills pin business hours with it."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._origin = time.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=time.monotonic() - self._origin)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def clock_ahead(seconds: float) -> Clock:
    """The machine's clock, that many seconds ahead: processes that are given the same number agree on the time."""
    machine = SystemClock()
    return ShiftedClock(machine.now() + timedelta(seconds=seconds)) if seconds else machine
