"""Probabilities are measured by what happened, and a new fit only counts when it is measured to be better."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.calibration.measuring import as_right, better_by, calibration_error, held_out, quality
from analysis.calibration.model import Calibration, Coefficient, Outcome
from analysis.calibration.refitting import MIN_OUTCOMES, refit
from tests.analysis.calibration.test_fitting import fit, outcomes

SYSTEMS = [one for number in range(5) for one in outcomes(60, number, system=f"system {number}")]


def test_said_and_happened_are_compared_in_bins_of_equal_mass() -> None:
    said = np.repeat([0.1, 0.3, 0.5, 0.7, 0.9], 10)
    happened = np.concatenate([np.r_[np.ones(n), np.zeros(10 - n)] for n in (1, 3, 5, 7, 9)])
    assert calibration_error(said, happened) == pytest.approx(0.0, abs=1e-9)
    assert calibration_error(np.clip(said + 0.1, 0, 1), happened) == pytest.approx(0.1)
    assert calibration_error(np.array([0.8]), np.array([0.0])) == pytest.approx(0.8)


def test_skill_is_what_the_base_rate_does_not_know() -> None:
    happened = np.r_[np.ones(30), np.zeros(10)]
    assert quality(np.full(40, 0.75), happened).skill == pytest.approx(0.0)
    assert quality(happened * 0.8 + 0.1, happened).skill > 0.9
    assert quality(1 - happened, happened).skill < 0
    measured = quality(np.tile([0.2, 0.8], 20), np.tile([0.0, 1.0], 20))
    assert measured.ece_low <= measured.ece <= measured.ece_high
    with pytest.raises(ValueError, match="no outcomes"):
        quality(np.array([]), np.array([]))


def test_a_system_is_judged_by_a_fit_that_never_saw_it() -> None:
    odd = [Outcome(features=one.features, right=not one.right, system="odd") for one in outcomes(60, 9)]
    probabilities = held_out([*SYSTEMS, *odd])
    right = as_right([*SYSTEMS, *odd])
    assert quality(probabilities[: len(SYSTEMS)], right[: len(SYSTEMS)]).skill > 0.2
    assert quality(probabilities[len(SYSTEMS) :], right[len(SYSTEMS) :]).skill < 0, "its own outcomes never helped"


def test_better_is_only_what_chance_does_not_explain() -> None:
    right = as_right(SYSTEMS)
    good, flat = held_out(SYSTEMS), np.full(right.size, right.mean())
    assert better_by(good, flat, right) > 0
    assert better_by(flat, good, right) < 0
    assert better_by(good, good, right) == 0


FLAT = Calibration(
    version="flat",
    intercept=0.0,
    coefficients=tuple(Coefficient(name=name, mean=0, scale=1, weight=0) for name in ("score", "noise")),
)


def test_a_refit_is_taken_when_it_is_better() -> None:
    result = refit(SYSTEMS, FLAT, "2026")
    assert result.taken
    assert result.calibration is not None
    assert result.calibration.version == "2026"
    assert result.old is not None
    assert result.new is not None
    assert result.new.brier < result.old.brier


@pytest.mark.parametrize(
    ("known", "current", "why"),
    [
        (SYSTEMS[: MIN_OUTCOMES - 1], FLAT, f"{MIN_OUTCOMES} are needed"),
        (SYSTEMS[:60], FLAT, "one service"),
        (SYSTEMS, fit(SYSTEMS, "good"), "not measured to be better"),
    ],
)
def test_otherwise_the_old_fit_stays(known: list[Outcome], current: Calibration, why: str) -> None:
    result = refit(known, current, "2026")
    assert not result.taken
    assert result.calibration is None
    assert why in result.reason
