"""How each signal is measured: which metric, read how, in which unit.

The defaults fit the names that the official Prometheus client libraries and their HTTP middlewares use
(https://prometheus.io/docs/practices/naming/); `signals:` in quell.yaml replaces them one by one.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from core.frames import Aggregate, Function, MetricQuery
from core.models import Model, Signal, Window


class SignalSpec(Model):
    """One signal of a service as a typed query.

    With `part` set the signal is a ratio: the series that a pattern selects, divided by all of them. The patterns
    are alternatives, as libraries disagree on a label's name; the first that selects anything counts.
    """

    signal: Signal
    metric: str = Field(min_length=1)
    unit: str = ""
    function: Function = Function.RAW
    aggregate: Aggregate = Aggregate.SUM
    quantile: float | None = Field(default=None, ge=0, le=1)
    matchers: dict[str, str] = Field(default={}, description="label = value, added to the labels of the service")
    part: tuple[dict[str, str], ...] = Field(
        default=(), description="alternatives of label =~ pattern; empty: no ratio"
    )

    @model_validator(mode="after")
    def _is_one_series(self) -> Self:
        if (self.quantile is None) == (self.function is Function.QUANTILE):
            raise ValueError("`quantile` belongs to function `quantile`, and only to it")
        if self.aggregate is Aggregate.NONE:
            raise ValueError("a signal is one series: aggregate by sum, max or avg")
        return self

    def query(
        self,
        labels: dict[str, str],
        window: Window,
        *,
        step_seconds: float,
        rate_window_seconds: float,
        pattern: dict[str, str] | None = None,
    ) -> MetricQuery:
        """The query for the service that carries `labels`; `pattern` narrows it to one alternative of `part`."""
        return MetricQuery(
            metric=self.metric,
            matchers={**labels, **self.matchers},
            matchers_regex=pattern or {},
            function=self.function,
            aggregate=self.aggregate,
            quantile=self.quantile,
            rate_window_seconds=rate_window_seconds,
            window=window,
            step_seconds=step_seconds,
        )


DEFAULT_SIGNALS = (
    SignalSpec(
        signal=Signal.ERRORS,
        metric="http_requests_total",
        unit="ratio",
        function=Function.RATE,
        part=({"code": "5.."}, {"status": "5.."}, {"status_code": "5.."}),
    ),
    SignalSpec(
        signal=Signal.LATENCY,
        metric="http_request_duration_seconds",
        unit="seconds",
        function=Function.QUANTILE,
        quantile=0.95,
    ),
    SignalSpec(signal=Signal.TRAFFIC, metric="http_requests_total", unit="requests/s", function=Function.RATE),
    SignalSpec(signal=Signal.CPU, metric="process_cpu_seconds_total", unit="cores", function=Function.RATE),
    SignalSpec(signal=Signal.MEMORY, metric="process_resident_memory_bytes", unit="bytes"),
    SignalSpec(signal=Signal.MEMORY_LIMIT, metric="container_spec_memory_limit_bytes", unit="bytes"),
    SignalSpec(signal=Signal.UP, metric="up", unit="ratio", aggregate=Aggregate.AVG),
)
"""One spec a signal, in the order in which they are gathered."""


def with_defaults(configured: tuple[SignalSpec, ...]) -> tuple[SignalSpec, ...]:
    """The defaults, with each signal that is configured replaced; of two specs for one signal the last counts."""
    chosen = {spec.signal: spec for spec in (*DEFAULT_SIGNALS, *configured)}
    return tuple(chosen.values())
