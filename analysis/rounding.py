"""How numbers are reported: rounded, so that the last bits, which differ between CPUs, never reach a record."""

from __future__ import annotations

from datetime import UTC, datetime


def significant(value: float, digits: int = 4) -> float:
    """Round a finite number to that many significant digits; minus zero becomes zero."""
    return float(f"{value:.{digits - 1}e}") + 0.0


def probability(value: float) -> float:
    """Round to 3 decimals and keep within 0..1."""
    return round(min(1.0, max(0.0, value)), 3) + 0.0


def instant(epoch_seconds: float) -> datetime:
    """UTC time of that many seconds since the epoch, to the millisecond."""
    return datetime.fromtimestamp(round(epoch_seconds, 3), UTC)
