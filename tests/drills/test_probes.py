"""The drill's own judgement of the shop."""

from __future__ import annotations

import pytest

from core.clock import ManualClock
from drills.load import Journey, Sample
from drills.probes import Limits, Probes, Recovery


def served(probes: Probes, clock: ManualClock, *, failing: Journey | None = None, slow: Journey | None = None) -> None:
    """Three seconds of traffic on every journey."""
    for _ in range(30):
        clock.advance(0.1)
        for journey in Journey:
            seconds = 2.0 if journey is slow else 0.01
            probes.record(Sample(clock.monotonic(), journey, journey is not failing, seconds))


def test_a_shop_that_serves_every_journey_is_well(clock):
    probes = Probes(clock)
    served(probes, clock)
    assert probes.well()
    assert {reading.journey for reading in probes.readings()} == set(Journey)


def test_silence_is_not_health(clock):
    probes = Probes(clock)
    assert not probes.well()
    served(probes, clock)
    clock.advance(4)
    assert not probes.well()


@pytest.mark.parametrize("journey", list(Journey))
def test_one_bad_journey_is_not_hidden_by_the_others(clock, journey):
    for trouble in ({"failing": journey}, {"slow": journey}):
        probes = Probes(clock)
        served(probes, clock, **trouble)
        bad = [reading.journey for reading in probes.readings() if not reading.within(probes.limits)]
        assert bad == [journey]
        assert not probes.well()


def test_only_the_last_seconds_count(clock):
    probes = Probes(clock)
    served(probes, clock, failing=Journey.CHECKOUT)
    clock.advance(0.1)
    served(probes, clock)
    assert probes.well()


def test_old_samples_are_forgotten(clock):
    probes = Probes(clock, Limits(window_seconds=1e6))
    served(probes, clock)
    clock.advance(100)
    served(probes, clock)
    assert {reading.requests for reading in probes.readings()} == {30}


def test_recovery_is_told_from_the_first_good_second_and_taken_back_by_a_relapse(clock):
    probes = Probes(clock)
    recovery = Recovery(probes, clock)
    served(probes, clock)
    recovery.look()
    assert (recovery.hurt_at, recovery.well_since) == (None, None), "a shop that never suffered has not recovered"
    assert recovery.over, "it is well all the same"
    served(probes, clock, failing=Journey.BROWSE)
    recovery.look()
    hurt_at = recovery.hurt_at
    assert hurt_at == clock.monotonic()
    assert not recovery.over
    clock.advance(0.1)
    served(probes, clock)
    recovery.look()
    assert recovery.well_since == clock.monotonic() - probes.limits.window_seconds
    served(probes, clock, slow=Journey.BROWSE)
    recovery.look()
    assert (recovery.hurt_at, recovery.well_since) == (hurt_at, None)
