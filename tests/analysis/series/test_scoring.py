"""Thousands of series scored at once: each as if it were alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.config import Floor
from analysis.series.baselines import Baseline, fit, log_start_of, robust_z
from analysis.series.scoring import BLOCK, Normals, Scores, deviations, score
from core.frames import Floats
from core.models import Signal

TIMES = np.arange(0.0, 48 * 60.0, 60.0)
BEGIN = float(TIMES[36])
CAP = 100.0
ANYTHING = st.one_of(st.floats(-1e6, 1e6), st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1e308]))


def scores(values: Floats, floor: Floor | None = None) -> Scores:
    normals = Normals.fit(values[:, :36], floor or Floor())
    return score(TIMES, values, normals, BEGIN, CAP)


def noise(series: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(size=(series, TIMES.size))


def test_what_leaves_its_normal_is_beyond_and_nothing_else() -> None:
    values = noise(400) * 0.4
    values[7, 40:] += 5.0
    values[300, 44] += 5.0
    assert np.flatnonzero(scores(values, Floor(absolute=1.0)).beyond(3.0)).tolist() == [7, 300]


@given(rows=st.lists(st.lists(ANYTHING, min_size=1, max_size=7), min_size=1, max_size=3), floor=st.floats(0, 10))
def test_whatever_comes_in_all_is_finite(rows: list[list[float]], floor: float) -> None:
    found = scores(np.array([np.resize(row, TIMES.size) for row in rows]), Floor(absolute=floor))
    changes = (found.changes.size, found.changes.strength)
    assert all(np.isfinite(part).all() for part in (found.windows, found.sample, *changes))


@given(seed=st.integers(0, 100), shift=st.floats(-1e3, 1e3), scale=st.floats(0.01, 100))
def test_neither_shift_nor_scale_matters(seed: int, shift: float, scale: float) -> None:
    values = noise(3, seed)
    values[1, 40:] += 6
    before, after = scores(values), scores(values * scale + shift)
    assert np.allclose(before.windows, after.windows, atol=1e-5)
    assert np.allclose(before.sample, after.sample, atol=1e-5)
    assert (before.changes.column == after.changes.column).all()


def test_a_series_does_not_depend_on_those_around_it() -> None:
    values = noise(BLOCK + 3)
    values[::5, ::7] = np.nan
    whole, alone = scores(values), scores(values[-1:])
    assert (whole.windows[-1] == alone.windows[0]).all()
    assert whole.changes.strength[-1] == alone.changes.strength[0]


@pytest.mark.parametrize("constant", [0.0, -4.5, 1e9])
def test_a_constant_series_is_normal_and_any_step_of_it_is_not(constant: float) -> None:
    values = np.full((2, TIMES.size), constant)
    values[1, 45:] += 1.0
    found = scores(values)
    assert found.beyond(3.0).tolist() == [False, True]
    assert found.sample.tolist() == [0.0, CAP]


def test_without_samples_or_without_a_normal_nothing_is_known() -> None:
    values = noise(2)
    values[0] = np.nan
    values[1, :36] = np.nan
    assert not scores(values).beyond(3.0).any()
    assert scores(np.empty((0, TIMES.size))).beyond(3.0).size == 0
    one = score(np.array([5.0]), np.array([[9.0]]), Normals.of([Baseline(1.0, 1.0, 9)]), 0.0, CAP)
    assert one.sample.tolist() == [8.0]
    later = score(TIMES, noise(1), Normals.of([Baseline(0.0, 1e-6, 9)]), float(TIMES[-1]) + 1, CAP)
    assert (later.sample[0], later.windows.any()) == (0.0, False)


@pytest.mark.parametrize("signal", [Signal.CPU, Signal.LATENCY])
def test_many_deviate_as_one_does(signal: Signal) -> None:
    floor = Floor(absolute=0.05, relative=0.25)
    values = np.abs(noise(1))
    baseline = fit(values[0], floor, log_start_of(signal, floor))
    assert baseline is not None
    together = deviations(values, Normals.of([None, baseline]), slice(1, 2), CAP)
    assert np.allclose(together[0], robust_z(values[0], baseline, CAP), atol=1e-6)
