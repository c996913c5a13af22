"""One signal of one service over baseline and window."""

from __future__ import annotations

from dataclasses import replace

from analysis.digests import bound, series_digest
from analysis.view import SignalFrame
from core.errors import InvalidInput, SourceRejected
from core.frames import BaselineQuery, SeriesBaseline
from core.models import Digest, EvidenceKind, Past, SeriesDigest, Signal
from tools.context import QueryContext
from tools.measuring import measure
from tools.queries.spec import QuerySpec, ServiceParameters, known_service
from tools.signals import SignalSpec

PASTS = {
    Past.SAME_HOUR_OF_WEEK: "at this hour of the week",
    Past.SAME_HOUR: "at this hour of the day",
    Past.LAST_DAY: "in the last 24 hours",
}
"""How a part of a series' history is told."""


class MetricParameters(ServiceParameters):
    """Which signal of which service."""

    signal: Signal


async def fetch(context: QueryContext, parameters: MetricParameters) -> SignalFrame:
    """The signal's series; NaN throughout when the source knows no such series.

    Raises:
        SourceError: the metrics source did not answer, or the service has no labels there.
        InvalidInput: there is no such service, or the signal is not measured by metrics.
    """
    service = known_service(context, parameters.service)
    spec = _spec(context, parameters.signal)
    labels = service.identity.prometheus
    if not labels:
        raise SourceRejected(
            f"no Prometheus labels are known for {service.name}",
            fix="add a scrape target for it, or set `identity: prometheus:` of the service",
        )
    times, values = await measure(
        context.sources.metrics,
        spec,
        labels,
        context.span,
        step_seconds=context.analysis.step_seconds,
        rate_window_seconds=context.analysis.rate_window_seconds,
    )
    history = await _history(context, parameters)
    return SignalFrame(service.name, spec.signal, spec.metric, spec.unit, times, values, "", history)


def digest(frame: SignalFrame, context: QueryContext) -> Digest:
    """The series in one row."""
    row = series_digest(frame, context.window, context.baseline, context.analysis)
    if row.samples:
        usual = "unknown" if row.baseline is None else f"{row.baseline:g}{_compared_with(row)}"
        told = f"{row.current:g} {row.unit}, usually {usual}" if row.current is not None else "ended"
    else:
        told = "no samples"
    summary = f"{frame.signal} of {frame.service}: {told}"
    return bound(Digest(summary=summary, series=(row,)), context.analysis.max_digest_tokens)


def _compared_with(row: SeriesDigest) -> str:
    """What the usual value is that of; nothing where it is that of the minutes before."""
    return f" ({PASTS[row.usual[0].past]})" if row.usual else ""


def parts(frame: SignalFrame, evidence: str) -> tuple[SignalFrame]:
    """The frame, citing the evidence."""
    return (replace(frame, evidence=evidence),)


def _spec(context: QueryContext, signal: Signal) -> SignalSpec:
    spec = next((spec for spec in context.signals if spec.signal is signal), None)
    if spec is None:
        raise InvalidInput(f"signal {signal} is not measured by metrics", path="signal", fix="add it under `signals:`")
    return spec


async def _history(context: QueryContext, parameters: MetricParameters) -> SeriesBaseline | None:
    """What the signal usually is, from nothing that is later than the baseline; None where nobody keeps its history."""
    if context.sources.baselines is None:
        return None
    until = min(context.baseline.end, context.window.start)
    return await context.sources.baselines.baseline(
        BaselineQuery(service=parameters.service, signal=parameters.signal, until=until)
    )


SPEC = QuerySpec(
    name="metric_digest",
    description="One signal of a service (errors, latency, traffic, cpu, memory, up) now, against its usual values.",
    kind=EvidenceKind.METRIC,
    parameters=MetricParameters,
    source=lambda context: context.sources.metrics.name,
    fetch=fetch,
    digest=digest,
    parts=parts,
)
