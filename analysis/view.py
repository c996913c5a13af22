"""The boundary of the analysis: everything it may know of a system at one instant, typed and without I/O."""

from __future__ import annotations

from dataclasses import dataclass

from core.frames import Floats, LogLine, SeriesBaseline
from core.models import Change, ServiceState, Signal, Window
from core.traces import Span


@dataclass(frozen=True, slots=True)
class SignalFrame:
    """One signal of one service over baseline and window.

    Attributes:
        service: whom it belongs to.
        signal: what it measures. Errors are a ratio of requests (0..1), latency is in seconds, traffic in requests
            per second, cpu in cores, memory and disk in bytes, network in bytes per second, up is 1 or 0.
        metric: name of the series it was read from.
        unit: unit of `values`, for people.
        times: seconds since the epoch, shape ``(n,)``.
        values: shape ``(n,)``; NaN where there is no sample.
        evidence: id of the evidence that holds it.
        history: what it usually is; None where nobody keeps its history. Where that is too short, or reaches into the
            window, the baseline of the view counts.
    """

    service: str
    signal: Signal
    metric: str
    unit: str
    times: Floats
    values: Floats
    evidence: str
    history: SeriesBaseline | None = None


@dataclass(frozen=True, slots=True)
class LogFrame:
    """Lines of one service over baseline and window, and the evidence that holds them."""

    service: str
    lines: tuple[LogLine, ...]
    evidence: str


@dataclass(frozen=True, slots=True)
class StateView:
    """What the actuator says of a service, and the evidence that holds it."""

    state: ServiceState
    evidence: str


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One change, and the evidence that holds it."""

    change: Change
    evidence: str


@dataclass(frozen=True, slots=True)
class TraceFrame:
    """Spans of one service over baseline and window, and the evidence that holds them.

    Attributes:
        service: name in the inventory, whatever its spans call it.
        baseline, window: its own spans, oldest first; the newest ones of each span of time when there were too many.
        others: spans of the services that it calls, with which its calls are matched.
        names: names in the inventory, by the `service.name` of a span, where the two differ.
        missing_baseline, missing_window: spans that were left out, as far as the source knows.
    """

    service: str
    baseline: tuple[Span, ...]
    window: tuple[Span, ...]
    others: tuple[Span, ...]
    names: dict[str, str]
    missing_baseline: int
    missing_window: int
    evidence: str


@dataclass(frozen=True, slots=True, weakref_slot=True)
class SystemView:
    """All that is known of a system at one instant.

    Attributes:
        symptom: service that the alert is about; empty when it was not resolved.
        window: the analysed span; the fault is expected to begin in it or shortly before.
        baseline: a span before the window that is taken as normal.
        signals, logs, states, changes: what the queries returned; a source that did not answer has no entry.
        dependencies: who calls whom, caller to callees; names without data are allowed.
        topology_evidence: id of the evidence that holds `dependencies`, empty when there is none.
        alert_evidence: id of the evidence that holds the alert, empty when there is none.
        traces: what the services and their calls did, where a trace source is known.
        references: earlier windows that the analysed one is compared with, oldest first, none reaching into it; empty:
            the baseline, cut into windows of the same length.
    """

    symptom: str
    window: Window
    baseline: Window
    signals: tuple[SignalFrame, ...]
    logs: tuple[LogFrame, ...]
    states: tuple[StateView, ...]
    changes: tuple[ChangeView, ...]
    dependencies: dict[str, tuple[str, ...]]
    topology_evidence: str
    alert_evidence: str
    traces: tuple[TraceFrame, ...] = ()
    references: tuple[Window, ...] = ()
