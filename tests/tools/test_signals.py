"""Signals: defaults, and how configuration replaces them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from core.frames import Aggregate, Function
from core.models import Signal
from tools.signals import DEFAULT_SIGNALS, SignalSpec, with_defaults


def test_configuration_replaces_one_signal_and_keeps_the_others() -> None:
    own = SignalSpec(signal=Signal.UP, metric="probe_success")
    chosen = {spec.signal: spec for spec in with_defaults((own,))}
    assert chosen[Signal.UP].metric == "probe_success"
    assert set(chosen) == {spec.signal for spec in DEFAULT_SIGNALS}


@pytest.mark.parametrize(
    "wrong",
    [
        {"function": Function.QUANTILE},
        {"quantile": 0.5},
        {"aggregate": Aggregate.NONE},
    ],
)
def test_a_signal_that_makes_no_single_series_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SignalSpec.model_validate({"signal": Signal.LATENCY, "metric": "m", **wrong})
