"""Typed metric queries as PromQL (https://prometheus.io/docs/prometheus/latest/querying/basics/).

Whatever stands in a name, a label or a value is quoted: no value can end its string, so no alert can write a query.
"""

from __future__ import annotations

import re

from clients.quoting import quoted
from core.errors import SourceRejected
from core.frames import Aggregate, Function, MetricQuery

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_KEYWORDS = frozenset({"and", "or", "unless", "bool", "by", "without", "on", "ignoring", "inf", "nan", "offset"})
_BUCKET_BOUND = "le"


def render(query: MetricQuery) -> str:
    """The query as PromQL.

    Raises:
        SourceRejected: a quantile query does not say which quantile.
    """
    window = _duration(query.rate_window_seconds)
    if query.function is Function.QUANTILE:
        if query.quantile is None:
            raise SourceRejected("a quantile query needs its quantile", fix="set quantile, such as 0.95")
        by = (_BUCKET_BOUND, *(label for label in query.by if label != _BUCKET_BOUND))
        rates = f"rate({_selector(f'{query.metric}_bucket', query)}[{window}])"
        return f"histogram_quantile({query.quantile!r}, sum{_by(by)} ({rates}))"
    selector = _selector(query.metric, query)
    series = selector if query.function is Function.RAW else f"{query.function.value}({selector}[{window}])"
    if query.aggregate is Aggregate.NONE:
        return series
    return f"{query.aggregate.value}{_by(query.by)} ({series})"


def _selector(metric: str, query: MetricQuery) -> str:
    matchers = [f"{_label(name)}={quoted(value)}" for name, value in query.matchers.items()]
    matchers += [f"{_label(name)}=~{quoted(pattern)}" for name, pattern in query.matchers_regex.items()]
    if _METRIC.fullmatch(metric) and metric.lower() not in _KEYWORDS:
        return f"{metric}{{{','.join(matchers)}}}" if matchers else metric
    return f"{{{','.join([f'__name__={quoted(metric)}', *matchers])}}}"


def _by(labels: tuple[str, ...]) -> str:
    return f" by ({', '.join(_label(label) for label in labels)})" if labels else ""


def _label(name: str) -> str:
    """Names outside the classic alphabet are quoted, which Prometheus takes from version 3.0 on."""
    return name if _LABEL.fullmatch(name) else quoted(name)


def _duration(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))}ms"
