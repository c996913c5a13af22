"""The clients of Prometheus and Alertmanager against real servers: silences, outages, recovery."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from clients.alertmanager import Alertmanager, AlertmanagerSettings
from clients.prometheus.settings import PrometheusSettings
from clients.prometheus.source import PrometheusMetrics
from core.clock import SystemClock
from core.errors import SourceRejected, SourceUnavailable
from core.frames import MetricQuery
from core.models import Window
from drills.ports import free_port
from tests.servers.alertmanager import alertmanager
from tests.servers.prometheus import backfill, prometheus
from tests.support import eventually

pytestmark = pytest.mark.slow
START = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


async def test_alerts_and_silences_of_a_real_alertmanager(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    labels = {"alertname": "ErrorRate", "service": 'odd "name" }{,', "severity": "page"}
    silence = {
        "matchers": [
            {"name": "service", "value": "odd.*", "isRegex": True, "isEqual": True},
            {"name": "severity", "value": "info", "isRegex": False, "isEqual": False},
        ],
        "startsAt": (now - timedelta(minutes=1)).isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "ann",
        "comment": "known",
    }
    with alertmanager(tmp_path) as server:
        client = Alertmanager(AlertmanagerSettings(url=server.url), SystemClock())
        status = await client.status()
        assert (status.reachable, status.version[:2], status.fix) == (True, "0.", "")
        assert await client.alerts() == ()
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as api:
            posted = [
                {"labels": each, "annotations": {"summary": "a third fails"}, "startsAt": now.isoformat()}
                for each in (labels, {**labels, "service": "odd\nlines"})
            ]
            (await api.post("/api/v2/alerts", json=posted)).raise_for_status()
            alert, _ = sorted(await eventually(client.alerts), key=lambda each: each.labels["service"], reverse=True)
            assert (alert.labels, alert.annotations) == (labels, {"summary": "a third fails"})
            assert abs(alert.starts_at - now) < timedelta(milliseconds=1)
            assert await client.silence_of(labels) is None

            made = (await api.post("/api/v2/silences", json=silence)).raise_for_status().json()["silenceID"]
            found = await eventually(lambda: client.silence_of(labels))
            assert (found.id, found.created_by, found.comment) == (made, "ann", "known")
            assert await client.silence_of({**labels, "severity": "info"}) is None
            for other in ("an odd one", "odd\nlines"):
                assert await client.silence_of({**labels, "service": other}) is None

            async def suppressed() -> bool:
                return [each.labels for each in await client.alerts() if each.status.silenced_by] == [labels]

            await eventually(suppressed, deadline_seconds=20)
            assert [each.labels["service"] for each in await client.alerts(silenced=False)] == ["odd\nlines"]
            (await api.delete(f"/api/v2/silence/{made}")).raise_for_status()
            assert await client.silence_of(labels) is None
            assert [each.status.state for each in await client.silences()] == ["expired"]
        server.stop()
        with pytest.raises(SourceUnavailable, match="Connection refused"):
            await client.silences()


async def test_a_prometheus_that_goes_and_comes_back(tmp_path: Path) -> None:
    at = START.timestamp()
    backfill(tmp_path, "".join(f"a {n} {at + n}\n" for n in range(60)) + "# EOF\n")
    port = free_port()
    client = PrometheusMetrics(PrometheusSettings(url=f"http://127.0.0.1:{port}"), SystemClock())
    window = Window(start=START, end=START + timedelta(seconds=59.5))
    query = MetricQuery(metric="a", window=window, step_seconds=0.5)
    with prometheus(tmp_path, port=port) as server:
        before = await client.query(query)
        assert before.values[0][::2].tolist() == list(range(60))
        server.stop()
        with pytest.raises(SourceUnavailable):
            await client.query(query)
    with prometheus(tmp_path, port=port):
        assert (await client.query(query)).values.tolist() == before.values.tolist()


async def test_more_points_than_a_real_prometheus_answers_at_once(tmp_path: Path) -> None:
    at = START.timestamp()
    backfill(tmp_path, "".join(f"a {n} {at + n}\n" for n in range(0, 13_000, 10)) + "# EOF\n")
    with prometheus(tmp_path, flags=["--query.lookback-delta=9s"]) as server:
        client = PrometheusMetrics(PrometheusSettings(url=server.url), SystemClock())
        window = Window(start=START, end=START + timedelta(seconds=12_999))
        frame = await client.query(MetricQuery(metric="a", window=window, step_seconds=1))
        assert frame.values.shape == (1, 13_000)
        assert frame.values[0][::10].tolist() == list(range(0, 13_000, 10))
        assert frame.values[0][10_995:11_005].tolist()[5] == 11_000
        with pytest.raises(SourceRejected, match="bad_data"):
            await client.query(MetricQuery(metric="a", matchers_regex={"job": "("}, window=window, step_seconds=1))


async def test_the_wrong_server_behind_an_address_is_told(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("am", "prom")]
    for folder in folders:
        folder.mkdir()
    with alertmanager(folders[0]) as am, prometheus(folders[1]) as prom:
        swapped = (
            await PrometheusMetrics(PrometheusSettings(url=am.url), SystemClock()).status(),
            await Alertmanager(AlertmanagerSettings(url=prom.url), SystemClock()).status(),
        )
    for status, section in zip(swapped, ("prometheus.url", "alertmanager.url"), strict=True):
        assert not status.reachable
        assert section in status.fix
