"""Scraping real pages over HTTP, and the history that comes of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from clients import scrape as scrape_module
from clients.buffer import ScrapeBuffer
from clients.scrape import ScrapeSettings, ScrapeTarget, fetch_page, parse_page
from clients.snapshot import read_snapshot
from core.clock import ManualClock, SystemClock
from core.errors import SourceRejected, StoreCorrupt
from core.frames import Frame, Function, MetricQuery
from core.models import Window
from tests.clients.pages import Page, serving
from tests.support import eventually

REQUESTS = '# TYPE http_requests_total counter\nhttp_requests_total{{code="200"}} {}\n'


def settings(*pages: Page, **fields: object) -> ScrapeSettings:
    targets = [{"url": page.url, "labels": {"job": f"job{number}"}} for number, page in enumerate(pages)]
    return ScrapeSettings.model_validate(
        {"interval_seconds": 1, "timeout_seconds": 0.5, "retention_seconds": 60, "targets": targets, **fields}
    )


async def ask(buffer: ScrapeBuffer, clock: ManualClock, metric: str, back: float = 0, **fields: object) -> Frame:
    window = Window(start=clock.now() - timedelta(seconds=back), end=clock.now())
    return await buffer.query(
        MetricQuery.model_validate({"metric": metric, "window": window, "step_seconds": 1, **fields})
    )


def test_a_page_becomes_samples_with_the_targets_labels_on_top() -> None:
    samples = parse_page('a{job="own",x="y",empty=""} 1\nb_bucket{le="+Inf"} 2\n', {"job": "cart", "instance": "i"})
    assert [(s.name, s.labels, s.value) for s in samples] == [
        ("a", {"job": "cart", "instance": "i", "exported_job": "own", "x": "y"}, 1.0),
        ("b_bucket", {"job": "cart", "instance": "i", "le": "+Inf"}, 2.0),
    ]


def test_counters_keep_the_name_that_the_page_gives_them() -> None:
    page = "# TYPE old counter\nold 1\n# TYPE new_total counter\nnew_total 2\n"
    assert [(s.name, s.value) for s in parse_page(page, {})] == [("old", 1.0), ("new_total", 2.0)]


@given(st.one_of(st.text(), st.text(alphabet='a{}="\\,# \n\t1e_TYPEcounter').map(lambda text: text + "\n")))
def test_any_page_is_read_or_rejected(text: str) -> None:
    with contextlib.suppress(SourceRejected):
        parse_page(text, {"job": "x"})


def test_a_target_is_a_whole_address_and_names_its_instance() -> None:
    assert ScrapeTarget(url="http://user:secret@host:9/metrics").series_labels == {"instance": "host:9"}
    with pytest.raises(ValidationError, match="whole address"):
        ScrapeTarget(url="localhost:9000")


async def test_rates_come_from_scrapes_and_survive_a_counter_reset(clock: ManualClock) -> None:
    with serving(Page()) as page:
        buffer = ScrapeBuffer(settings(page), clock)
        for count in (10, 20, 5):
            page.text = REQUESTS.format(count)
            await buffer.scrape_once()
            clock.advance(1)
    clock.advance(-1)
    frame = await ask(buffer, clock, "http_requests_total", back=2, function=Function.INCREASE)
    assert frame.labels[0]["code"] == "200"
    assert frame.labels[0]["job"] == "job0"
    np.testing.assert_array_equal(frame.values, [[np.nan, 10, 15]])


async def test_a_target_that_went_down_has_up_0_and_no_other_samples(clock: ManualClock) -> None:
    with serving(Page("a 1\n")) as gone, serving(Page("a 2\n")) as there:
        buffer = ScrapeBuffer(settings(gone, there), clock)
        await buffer.scrape_once()
        gone.status = 500
        clock.advance(1)
        await buffer.scrape_once()
        up = await ask(buffer, clock, "up", back=1)
        values = await ask(buffer, clock, "a", back=1)
        np.testing.assert_array_equal(up.values, [[1, 0], [1, 1]])
        np.testing.assert_array_equal(values.values, [[1, np.nan], [2, 2]])
        status = await buffer.status()
        assert status.reachable
        assert "1 of 2 targets up" in status.detail
        assert "answered 500" in status.detail


async def test_a_page_that_is_malformed_refused_or_slow_is_a_target_that_is_down(clock: ManualClock) -> None:
    release = threading.Event()
    with serving(Page("not a page {{{\n")) as bad, serving(Page("a 1\n")) as slow:
        slow.before_body = lambda _: release.wait(10) and None
        refused = Page()
        refused.url = "http://127.0.0.1:1/metrics"
        buffer = ScrapeBuffer(settings(bad, slow, refused, timeout_seconds=0.2), clock)
        await buffer.scrape_once()
        release.set()
    assert (await ask(buffer, clock, "up")).values.tolist() == [[0], [0], [0]]
    durations = (await ask(buffer, clock, "scrape_duration_seconds")).values
    assert durations.shape == (3, 1)
    assert not (await buffer.status()).reachable


async def test_a_body_without_end_is_cut_off() -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        while True:
            handler.wfile.write(b"a 1\n" * 1000)

    with serving(Page()) as page:
        page.before_body = endless
        async with httpx.AsyncClient() as http:
            with pytest.raises(SourceRejected, match="longer than 5000 bytes"):
                await fetch_page(http, page.url, max_body_bytes=5000)
    assert scrape_module.MAX_BODY_BYTES <= 64 * 1024 * 1024


async def test_series_beyond_the_bound_are_dropped_and_counted(clock: ManualClock) -> None:
    with serving(Page("".join(f'a{{n="{n}"}} 1\n' for n in range(10)))) as page:
        buffer = ScrapeBuffer(settings(page, max_series=7), clock)
        await buffer.scrape_once()
    assert (await ask(buffer, clock, "up")).values.tolist() == [[1]]
    assert (await ask(buffer, clock, "a")).values.shape == (4, 1)
    assert (await ask(buffer, clock, "scrape_series_dropped")).values.tolist() == [[6]]
    assert (buffer.stats.series, buffer.stats.dropped) == (7, 6)


async def test_the_memory_bound_limits_series_too(clock: ManualClock) -> None:
    page_text = "".join(f'a{{n="{n}"}} 1\n' for n in range(50))
    with serving(Page(page_text)) as page:
        bounds = {"retention_seconds": 9999, "max_memory_bytes": 1024 * 1024}
        buffer = ScrapeBuffer(settings(page, **bounds), clock)
        await buffer.scrape_once()
    assert buffer.stats.series == 1024 * 1024 // (8 * 10_000)


async def test_the_history_survives_a_restart_and_another_process_can_read_it(
    clock: ManualClock, tmp_path: Path
) -> None:
    snapshot = tmp_path / "data" / "metrics.npz"
    with serving(Page()) as page:
        writer = ScrapeBuffer(settings(page), clock, snapshot)
        for count in (10, 20):
            page.text = REQUESTS.format(count)
            await writer.scrape_once()
            clock.advance(1)
        await writer.save()
        reader = ScrapeBuffer(settings(page), clock, snapshot)
        assert not (await reader.status()).reachable
        assert await reader.restore()
    clock.advance(-1)
    expected = await ask(writer, clock, "http_requests_total", back=1)
    got = await ask(reader, clock, "http_requests_total", back=1)
    assert got.labels == expected.labels
    np.testing.assert_array_equal(got.values, expected.values)
    assert (await reader.status()).reachable
    assert [path.name for path in snapshot.parent.iterdir()] == ["metrics.npz"]


@pytest.mark.parametrize("damage", ["garbage", "empty", "half", "other format", "unfitting"])
async def test_a_damaged_snapshot_is_an_empty_start_with_a_warning(
    clock: ManualClock, tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = tmp_path / "metrics.npz"
    with serving(Page("a 1\n")) as page:
        buffer = ScrapeBuffer(settings(page), clock, snapshot)
        await buffer.scrape_once()
        await buffer.save()
        good = snapshot.read_bytes()
        history = read_snapshot(snapshot)
        if damage == "other format":
            np.savez(snapshot, format=np.array(99), times=history.times, values=history.values, keys=np.zeros(1))
        elif damage == "unfitting":
            keys = np.frombuffer(json.dumps(history.keys[:1]).encode(), dtype=np.uint8)
            with snapshot.open("wb") as file:
                np.savez(file, format=np.array(1), keys=keys, times=history.times, values=history.values)
        else:
            snapshot.write_bytes({"garbage": b"garbage", "empty": b"", "half": good[: len(good) // 2]}[damage])
        with pytest.raises(StoreCorrupt):
            read_snapshot(snapshot)

        again = ScrapeBuffer(settings(page), clock, snapshot)

        assert not await again.restore()
        assert "metrics_history_unusable" in capsys.readouterr().out
        assert again.stats.rounds == 0
        await again.scrape_once()
        assert again.stats.rounds == 1


async def test_run_scrapes_at_its_pace_and_saves_when_it_is_ended(tmp_path: Path) -> None:
    snapshot = tmp_path / "metrics.npz"
    with serving(Page("a 1\n")) as page:
        buffer = ScrapeBuffer(settings(page, interval_seconds=0.02), SystemClock(), snapshot)
        task = asyncio.create_task(buffer.run())
        await eventually(lambda: buffer.stats.rounds >= 3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert read_snapshot(snapshot).times.size == buffer.stats.rounds
