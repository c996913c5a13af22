"""When a series that rises steadily will be at its limit, with an interval.

Straight extrapolation, as `predict_linear` of Prometheus does, but from a robust line and never further ahead than
`AnalysisConfig.forecast_spans` times the span that the line was fitted on: the node-exporter mixin of the Prometheus
project looks 24 h ahead from 6 h (https://github.com/prometheus/node_exporter/tree/master/docs/node-mixin).
"""

from __future__ import annotations

from analysis.config import AnalysisConfig
from analysis.rounding import instant, significant
from analysis.series.trends import Trend
from core.models import Forecast

LONGEST_SECONDS = 366 * 86_400.0
"""What lies further ahead is told as unknown."""


def forecast(trend: Trend, limit: float, config: AnalysisConfig) -> Forecast | None:
    """When the line crosses the limit; None when it does not within the horizon.

    A line that is there already is expected now. The interval holds about 90%: both ends combine the bounds of slope
    and level.
    """
    seconds = _seconds(limit - trend.level, trend.slope)
    if seconds is None or seconds > config.forecast_spans * (trend.end - trend.start):
        return None
    earliest = _seconds(limit - trend.level - trend.level_error, trend.high)
    latest = _seconds(limit - trend.level + trend.level_error, trend.low)
    return Forecast(
        limit=significant(limit),
        per_second=significant(trend.slope),
        at=instant(trend.end + seconds),
        earliest=instant(trend.end + min(seconds if earliest is None else earliest, seconds)),
        latest=None if latest is None else instant(trend.end + max(latest, seconds)),
    )


def _seconds(distance: float, slope: float) -> float | None:
    """How long a slope takes for a distance, 0 when it is behind; None when that is never, or beyond a year."""
    if distance <= 0:
        return 0.0
    if slope <= 0 or distance / LONGEST_SECONDS > slope:
        return None
    return distance / slope
