"""A finding from a log names the operation that its lines come from."""

from __future__ import annotations

from analysis.findings import log_signs
from analysis.view import LogFrame, SystemView, TraceFrame
from tests.analysis.logs.lines import line
from tests.analysis.logs.test_comparison import span
from tests.analysis.shop import BASELINE, CONFIG, WINDOW


def test_the_operation_that_fails_is_named() -> None:
    now = tuple(span(name, n, 1.0) for n, name in enumerate(["POST /pay"] * 5 + ["GET /cart"] * 5))
    lines = tuple(line(f"charge {n} failed", 1.0, span_id=one.span_id) for n, one in enumerate(now[:5]))
    log = LogFrame("cart", lines, "ev-log")
    traces = (TraceFrame("cart", (), now, (), {}, 0, 0, "ev-spans"),)
    view = SystemView("cart", WINDOW, BASELINE, (), (log,), (), (), {}, "", "", traces)
    (sign,) = log_signs(log, view, CONFIG)
    assert sign.finding.text == "cart logs for the first time in POST /pay: charge <*> failed"
    assert (sign.finding.metric, sign.lines) == ("charge <*> failed", 5)
