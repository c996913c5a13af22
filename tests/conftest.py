"""Fixtures that every test may use."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at a Tuesday noon until it is told to move."""
    return ManualClock(datetime(2026, 3, 3, 12, 0, tzinfo=UTC))
