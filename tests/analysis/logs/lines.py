"""Lines for the tests of the logs' analysis."""

from __future__ import annotations

from datetime import timedelta

from core.frames import LogLine
from core.models import Severity
from tests.analysis.shop import END


def line(text: str, seconds_ago: float = 1.0, severity: Severity | None = None, span_id: str = "") -> LogLine:
    """A line of the cart, some seconds before the end of the window."""
    return LogLine(
        at=END - timedelta(seconds=seconds_ago), service="cart", text=text, severity=severity, span_id=span_id
    )
