"""What a query returned, bounded and typed, and the findings that rest on it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from core.models.base import Model, Severity, Utc, Window
from core.models.logs import LogCategory, LogChange
from core.models.usual import Usual, WindowDeviation


class EvidenceKind(StrEnum):
    """Which family a piece of evidence belongs to."""

    METRIC = "metric"
    LOG = "log"
    STATE = "state"
    CHANGE = "change"
    TOPOLOGY = "topology"
    ALERT = "alert"
    TRACE = "trace"


class SeriesDigest(Model):
    """One series, told in numbers that fit a line."""

    subject: str = Field(description="service the series belongs to")
    metric: str
    unit: str = ""
    current: float | None = Field(default=None, description="median of the analysed window")
    baseline: float | None = Field(default=None, description="median of the baseline")
    deviation: float | None = Field(default=None, description="robust z of the window against the baseline")
    onset: Utc | None = None
    samples: int = 0
    sparkline: str = ""
    windows: tuple[WindowDeviation, ...] = Field(default=(), description="the last 1 min, 5 min, 15 min and 1 h")
    usual: tuple[Usual, ...] = Field(default=(), description="normals from history; `baseline` is the first, if any")


class TemplateDigest(Model):
    """One log template."""

    subject: str
    template: str
    severity: Severity = Severity.INFO
    category: LogCategory = LogCategory.OTHER
    change: LogChange = Field(default=LogChange.STEADY, description="against earlier windows of the same length")
    count: int = Field(description="lines in the analysed window")
    rate_before: float = Field(default=0.0, description="lines per second, median of the earlier windows")
    rate_now: float = Field(default=0.0, description="lines per second in the window")
    first_at: Utc | None = None
    example: str = ""


class Fact(Model):
    """One thing that is so: a state, a change, an edge of the dependency graph."""

    subject: str
    name: str
    value: str
    at: Utc | None = None


class Digest(Model):
    """Bounded summary of a query's result, whatever the source returned.

    ``tokens`` is an upper estimate; ``omitted`` says how many rows did not fit.
    """

    summary: str
    series: tuple[SeriesDigest, ...] = ()
    templates: tuple[TemplateDigest, ...] = ()
    facts: tuple[Fact, ...] = ()
    omitted: int = 0
    tokens: int = 0
    cursor: str = Field(default="", description="hands the raw data back; empty when there is no more than is shown")


class Evidence(Model):
    """What somebody asked, when, and what came back; immutable, stored before it is cited."""

    id: str
    incident_id: str
    kind: EvidenceKind
    tool: str
    source: str = Field(description="which server or file answered")
    query: str = Field(description="the query as canonical JSON")
    window: Window
    subject: str = Field(description="service it is about; empty for the whole system")
    digest: Digest
    error: str = Field(default="", description="why the source gave nothing, when it did not answer")
    link: str = ""


class Shape(StrEnum):
    """How a series left its baseline."""

    SPIKE = "spike"
    LEVEL_SHIFT = "level_shift"
    TREND = "trend"
    DROP = "drop"
    ZERO = "zero"
    VARIANCE = "variance"
    FLATLINE = "flatline"
    MISSING = "missing"
    ABSENT_UP = "absent_up"
    NEW_LOG = "new_log"
    LOG_RATE = "log_rate"
    STATE = "state"


class Signal(StrEnum):
    """What a series measures, whatever its name; those that end in `limit` say how much of a resource there is."""

    ERRORS = "errors"
    LATENCY = "latency"
    TRAFFIC = "traffic"
    CPU = "cpu"
    MEMORY = "memory"
    MEMORY_LIMIT = "memory_limit"
    DISK = "disk"
    DISK_LIMIT = "disk_limit"
    NETWORK = "network"
    POOL = "pool"
    POOL_LIMIT = "pool_limit"
    FILES = "files"
    FILES_LIMIT = "files_limit"
    CLOCK = "clock"
    UP = "up"
    LOGS = "logs"
    STATE = "state"


class Forecast(Model):
    """When a series is expected at its limit, if it goes on as it does."""

    limit: float = Field(description="in the unit of the series")
    per_second: float = Field(description="robust slope, in the unit of the series")
    at: Utc
    earliest: Utc
    latest: Utc | None = Field(default=None, description="null when the slope may as well be none")


class Finding(Model):
    """An anomaly: something left its baseline."""

    service: str
    signal: Signal
    shape: Shape
    metric: str = Field(default="", description="series or template that shows it")
    onset: Utc
    onset_uncertainty_seconds: float = 0.0
    magnitude: float = Field(description="robust z, capped; comparable within one signal only")
    current: float | None = None
    baseline: float | None = None
    severity: Severity = Severity.WARNING
    forecast: Forecast | None = None
    pattern: str = Field(default="", description="the known shape that it is part of; empty when there is none")
    text: str = ""
    evidence: tuple[str, ...] = Field(description="evidence ids; never empty")
