"""Raw data as it passes between sources and analysis: typed queries in, arrays and lines out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from core.models.base import Model, Severity, Utc, Window
from core.models.evidence import Signal
from core.models.usual import Usual

Floats = npt.NDArray[np.float64]


class Function(StrEnum):
    """What is done to each series before it is aggregated."""

    RAW = "raw"
    RATE = "rate"
    INCREASE = "increase"
    QUANTILE = "quantile"


class Aggregate(StrEnum):
    """How series that share the `by` labels are joined."""

    NONE = "none"
    SUM = "sum"
    MAX = "max"
    AVG = "avg"


class MetricQuery(Model):
    """A question to a metrics source, in terms that every source can answer.

    ``QUANTILE`` reads histogram buckets (metric is the name without ``_bucket``), sums their rates by ``by`` and
    interpolates as Prometheus' ``histogram_quantile`` does.
    """

    metric: str
    matchers: dict[str, str] = Field(default={}, description="label = value, all of them")
    matchers_regex: dict[str, str] = Field(default={}, description="label =~ anchored RE2 pattern")
    function: Function = Function.RAW
    aggregate: Aggregate = Aggregate.NONE
    by: tuple[str, ...] = ()
    quantile: float | None = Field(default=None, ge=0, le=1)
    rate_window_seconds: float = Field(default=60.0, gt=0)
    window: Window
    step_seconds: float = Field(default=15.0, gt=0)

    @property
    def key(self) -> str:
        """Canonical JSON: equal queries have equal keys."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


class BaselineQuery(Model):
    """What is asked of a baseline source: the usual of one signal of one service."""

    service: str
    signal: Signal
    until: Utc = Field(description="nothing that was measured later counts")

    @property
    def key(self) -> str:
        """Canonical JSON: equal queries have equal keys."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


class SeriesBaseline(Model):
    """The usual of one series: those parts of its history that hold enough samples, the most alike first."""

    until: Utc = Field(description="every sample is older")
    usual: tuple[Usual, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """Series on one regular grid.

    Attributes:
        start: time of the first column, seconds since the epoch.
        step: seconds between columns.
        labels: one mapping a series.
        values: shape ``(len(labels), columns)``; NaN where a series has no sample.
    """

    start: float
    step: float
    labels: tuple[dict[str, str], ...]
    values: Floats

    @property
    def times(self) -> Floats:
        """Seconds since the epoch, one a column."""
        return self.start + self.step * np.arange(self.values.shape[1], dtype=np.float64)

    @classmethod
    def empty(cls, window: Window, step_seconds: float) -> Self:
        """A frame without series, on the grid that the window asks for."""
        columns = int(window.seconds // step_seconds) + 1
        return cls(window.start.timestamp(), step_seconds, (), np.empty((0, columns)))

    def to_json(self) -> dict[str, Any]:
        """JSON with NaN as null; infinities become null too, as no digest can use them."""
        rows = [[float(v) if np.isfinite(v) else None for v in row] for row in self.values]
        return {
            "start": self.start,
            "step": self.step,
            "columns": int(self.values.shape[1]),
            "labels": list(self.labels),
            "values": rows,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The inverse of `to_json`.

        Raises:
            KeyError, ValueError: the data is not a frame.
        """
        rows = [[np.nan if v is None else v for v in row] for row in data["values"]]
        values = np.array(rows, dtype=np.float64).reshape(len(data["labels"]), int(data["columns"]))
        return cls(float(data["start"]), float(data["step"]), tuple(dict(x) for x in data["labels"]), values)


class LogQuery(Model):
    """A question to a log source about one service."""

    service: str
    window: Window
    limit: int = Field(default=5000, ge=1)
    cursor: str = ""

    @property
    def key(self) -> str:
        """Canonical JSON: equal queries have equal keys."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


class LogLine(Model):
    """One line, as it was written."""

    at: Utc
    service: str
    text: str
    severity: Severity | None = None
    trace_id: str = ""
    span_id: str = ""


class LogPage(Model):
    """Lines in time order; ``cursor`` continues where the limit cut, empty at the end."""

    lines: tuple[LogLine, ...]
    cursor: str = ""
    dropped: int = Field(default=0, description="lines that the source no longer holds, as far as it knows")
