"""One signal of one service over baseline and window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analysis.digests import bound, series_digest
from analysis.view import SignalFrame
from core.errors import InvalidInput, SourceRejected
from core.frames import Floats, Frame
from core.models import Digest, EvidenceKind, Signal
from tools.context import QueryContext
from tools.queries.spec import QuerySpec, ServiceParameters, known_service
from tools.signals import SignalSpec


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
    whole = await _ask(context, spec, labels)
    values = _row(whole)
    if spec.part:
        values = _share(await _part(context, spec, labels), values)
    return SignalFrame(service.name, spec.signal, spec.metric, spec.unit, whole.times, values, evidence="")


def digest(frame: SignalFrame, context: QueryContext) -> Digest:
    """The series in one row."""
    row = series_digest(frame, context.window, context.baseline, context.analysis)
    if row.samples:
        usual = "unknown" if row.baseline is None else f"{row.baseline:g}"
        told = f"{row.current:g} {row.unit}, usually {usual}" if row.current is not None else "ended"
    else:
        told = "no samples"
    summary = f"{frame.signal} of {frame.service}: {told}"
    return bound(Digest(summary=summary, series=(row,)), context.analysis.max_digest_tokens)


def parts(frame: SignalFrame, evidence: str) -> tuple[SignalFrame]:
    """The frame, citing the evidence."""
    return (replace(frame, evidence=evidence),)


def _spec(context: QueryContext, signal: Signal) -> SignalSpec:
    spec = next((spec for spec in context.signals if spec.signal is signal), None)
    if spec is None:
        raise InvalidInput(f"signal {signal} is not measured by metrics", path="signal", fix="add it under `signals:`")
    return spec


async def _ask(
    context: QueryContext, spec: SignalSpec, labels: dict[str, str], pattern: dict[str, str] | None = None
) -> Frame:
    query = spec.query(
        labels,
        context.span,
        step_seconds=context.analysis.step_seconds,
        rate_window_seconds=context.analysis.rate_window_seconds,
        pattern=pattern,
    )
    return await context.sources.metrics.query(query)


async def _part(context: QueryContext, spec: SignalSpec, labels: dict[str, str]) -> Frame | None:
    """The first alternative that selects any series; None when none does."""
    for pattern in spec.part:
        frame = await _ask(context, spec, labels, pattern)
        if frame.labels:
            return frame
    return None


def _row(frame: Frame) -> Floats:
    """The one series of an aggregated answer, shape ``(columns,)``."""
    return frame.values[0] if frame.labels else np.full(frame.values.shape[1], np.nan)


def _share(part: Frame | None, whole: Floats) -> Floats:
    """Part of the whole, 0..1: 0 where the part has no sample, NaN where there is no whole to be a part of."""
    selected = np.zeros_like(whole) if part is None else np.nan_to_num(_row(part), nan=0.0)
    positive = np.where(whole > 0, whole, np.nan)
    return np.clip(selected / positive, 0.0, 1.0)


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
