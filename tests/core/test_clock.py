"""Clocks that pretend another time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.clock import SystemClock, clock_ahead


@pytest.mark.parametrize("hours", [-5, 0, 30])
async def test_processes_given_the_same_number_agree(hours):
    one, other = clock_ahead(hours * 3600.0), clock_ahead(hours * 3600.0)
    await other.sleep(0.01)
    assert abs(other.now() - one.now()) < timedelta(seconds=1)
    assert abs(one.now() - SystemClock().now() - timedelta(hours=hours)) < timedelta(seconds=1)
    assert other.monotonic() > 0
