"""The pre-filter lets through whatever a close look would find at its level."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.series.prefilter import worth_a_look
from analysis.series.readings import read
from core.models import Shape, Signal
from tests.analysis.shop import BASELINE, CONFIG, WINDOW, Shop

SLOW = {None, Shape.TREND, Shape.VARIANCE, Shape.FLATLINE, Shape.ZERO}


@given(seed=st.integers(0, 30), factor=st.floats(0.5, 8), signal=st.sampled_from([Signal.LATENCY, Signal.ERRORS]))
def test_what_is_not_worth_a_look_left_no_level(seed: int, factor: float, signal: Signal) -> None:
    shop = Shop(seed)
    shop.values["cart", signal] = np.where(shop.faulty, shop.values["cart", signal] * factor, 0.01)
    signals = shop.view().signals
    for frame, worth in zip(signals, worth_a_look(signals, WINDOW, BASELINE, CONFIG), strict=True):
        assert worth or read(frame, WINDOW, BASELINE, CONFIG).shape in SLOW


def test_a_fault_passes_and_quiet_symptoms_do_not() -> None:
    shop = Shop()
    shop.values["orders", Signal.ERRORS] = np.where(shop.faulty, 0.5, 0.0)
    frames = [frame for frame in shop.view().signals if frame.signal is Signal.ERRORS]
    worth = dict(zip([one.service for one in frames], worth_a_look(frames, WINDOW, BASELINE, CONFIG), strict=True))
    assert [service for service, beyond in worth.items() if beyond] == ["orders"]


@pytest.mark.parametrize("order", ["reversed", "doubled"])
def test_samples_out_of_order_are_left_to_a_close_look(order: str) -> None:
    frame = next(one for one in Shop().view().signals if one.signal is Signal.ERRORS)
    index = np.arange(frame.times.size)
    index = index[::-1] if order == "reversed" else np.repeat(index, 2)
    shuffled = replace(frame, times=frame.times[index], values=frame.values[index])
    assert worth_a_look([frame, shuffled], WINDOW, BASELINE, CONFIG) == (False, True)


def test_what_cannot_be_judged_is_worth_a_look() -> None:
    quiet = next(one for one in Shop().view().signals if one.signal is Signal.CPU)
    ended = replace(quiet, values=np.where(quiet.times > WINDOW.start.timestamp(), np.nan, quiet.values))
    young = replace(quiet, values=np.where(quiet.times < WINDOW.start.timestamp() - 1, np.nan, quiet.values))
    empty = replace(quiet, times=quiet.times[:0], values=quiet.values[:0])
    one = replace(quiet, times=quiet.times[-1:], values=quiet.values[-1:])
    up = replace(quiet, signal=Signal.UP)
    assert worth_a_look([ended, young, empty, one, up], WINDOW, BASELINE, CONFIG) == (True,) * 5
    assert worth_a_look([], WINDOW, BASELINE, CONFIG) == ()
