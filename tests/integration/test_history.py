"""Normals from the history of a real Prometheus: days of counters with a daily wave and restarts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import cos, tau
from pathlib import Path

import pytest

from analysis.config import AnalysisConfig
from clients.prometheus.settings import PrometheusSettings
from clients.prometheus.source import PrometheusMetrics
from core.clock import ManualClock
from core.frames import BaselineQuery
from core.models import Identity, Past, Service, Signal
from stores.store import Store
from tests.servers.prometheus import backfill, prometheus
from tools.baselines import HistoryBaselines
from tools.history import BaselineSettings
from tools.inventory import Inventory
from tools.signals import DEFAULT_SIGNALS

pytestmark = pytest.mark.slow
END = datetime(2026, 3, 10, 0, 0, tzinfo=UTC)
DAYS, SCRAPE_SECONDS = 5, 60
CART = Service(name="cart", identity=Identity(prometheus={"job": "cart"}))


def per_second(at: float) -> float:
    """Requests a second: 10 at midnight, 90 at noon."""
    return 50 - 40 * cos(tau * (at % 86_400) / 86_400)


def openmetrics() -> Iterator[str]:
    """Counters that begin anew every nine hours; one request in a hundred fails."""
    start, end = (END - timedelta(days=DAYS)).timestamp(), END.timestamp()
    for code, share in (("200", 0.99), ("500", 0.01)):
        if code == "200":
            yield "# TYPE http_requests counter\n"
        total = 0.0
        for at in range(int(start), int(end), SCRAPE_SECONDS):
            total = 0.0 if at % (9 * 3600) == 0 else total + share * per_second(at) * SCRAPE_SECONDS
            yield f'http_requests_total{{job="cart",code="{code}"}} {total:.3f} {at}\n'
    yield "# TYPE up gauge\n"
    yield from (f'up{{job="cart"}} 1 {at}\n' for at in range(int(start), int(end), SCRAPE_SECONDS))
    yield "# EOF\n"


async def test_days_of_a_real_prometheus_become_normals_that_outlive_it(tmp_path: Path, store: Store) -> None:
    backfill(tmp_path, "".join(openmetrics()))
    clock = ManualClock(END)

    def baselines(url: str) -> HistoryBaselines:
        source = PrometheusMetrics(PrometheusSettings(url=url), clock)
        analysis = AnalysisConfig(rate_window_seconds=180)
        return HistoryBaselines(source, Inventory([CART]), DEFAULT_SIGNALS, analysis, BaselineSettings(), clock, store)

    traffic = BaselineQuery(service="cart", signal=Signal.TRAFFIC, until=END)
    errors = traffic.model_copy(update={"signal": Signal.ERRORS})
    with prometheus(tmp_path) as server:
        live = baselines(server.url)
        await live.refresh()
        found = await live.baseline(traffic)
        at_midnight, all_day = found.usual
        assert [one.past for one in found.usual] == [Past.SAME_HOUR, Past.LAST_DAY]
        assert at_midnight.median == pytest.approx(10, abs=0.5)
        assert at_midnight.spread < 1
        assert all_day.median == pytest.approx(50, abs=3)
        assert [one.median for one in (await live.baseline(errors)).usual] == pytest.approx([0.01, 0.01], rel=0.01)
        assert (await live.baseline(traffic.model_copy(update={"signal": Signal.CPU}))).usual == ()
    assert await baselines("http://127.0.0.1:9").baseline(traffic) == found
