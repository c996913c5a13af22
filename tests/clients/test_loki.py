"""Loki's client: every line once, over pages and over broken connections."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from hypothesis import HealthCheck, example, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from clients.loki.api import Direction, LokiApi
from clients.loki.entries import Entry, nanoseconds_of, selector
from clients.loki.paging import pages
from clients.loki.settings import LokiSettings
from clients.loki.source import LokiLogs
from clients.loki.tail import Seen
from core.clock import SystemClock
from core.errors import SourceRejected
from core.frames import LogLine, LogQuery
from core.models import Severity, Window
from tests.fakes.loki import Line, Loki, loki
from tests.support import eventually

CART = {"app": "cart"}
START = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
BASE = nanoseconds_of(START)
CLOCK = SystemClock()


def client(server: Loki, **fields: object) -> LokiLogs:
    return LokiLogs(LokiSettings.model_validate({"url": server.url, **fields}), {"cart": CART}, CLOCK)


@profile(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    offsets=st.lists(st.integers(0, 12), max_size=40),
    page_lines=st.integers(1, 9),
    direction=st.sampled_from(["forward", "backward"]),
)
@example(offsets=[3] * 9 + [4], page_lines=2, direction="forward")
@example(offsets=[3] * 9 + [2], page_lines=2, direction="backward")
async def test_pages_hold_every_line_once_in_order(offsets: list[int], page_lines: int, direction: Direction) -> None:
    lines = [
        Line(BASE + offset, f"line {number}", {**CART, "host": f"node-{number % 3}"})
        for number, offset in enumerate(offsets)
    ]
    async with loki(lines) as server:
        api = LokiApi(LokiSettings(url=server.url), CLOCK)
        found: list[Entry] = []
        async for page in pages(api, '{app="cart"}', BASE + 1, BASE + 12, direction=direction, page_lines=page_lines):
            found += page
    wanted = sorted(Entry(line.nanoseconds, tuple(sorted(line.labels.items())), line.text) for line in lines)
    wanted = [entry for entry in wanted if BASE + 1 <= entry.nanoseconds < BASE + 12]
    assert found == (wanted if direction == "forward" else wanted[::-1])


@pytest.mark.parametrize("limit", [1, 3, 4, 50])
async def test_the_cursor_goes_on_within_one_moment(limit: int) -> None:
    moments = [0, 1, 1, 1, 1, 1, 2, 1_000, 1_500]  # nanoseconds: several to a microsecond
    async with loki([Line(BASE + at, f"{number}", CART) for number, at in enumerate(moments)]) as server:
        source = client(server)
        seen: list[str] = []
        cursor = ""
        for _ in range(20):
            window = Window(start=START, end=START + timedelta(seconds=1))
            page = await source.query(LogQuery(service="cart", window=window, limit=limit, cursor=cursor))
            seen += [line.text for line in page.lines]
            cursor = page.cursor
            if not cursor:
                break
    assert seen == [str(number) for number in range(len(moments))]


async def test_more_lines_in_one_moment_than_can_be_asked_for_are_logged() -> None:
    async with loki([Line(BASE, f"{number}", CART) for number in range(6)], max_lines=4) as server:
        with structlog.testing.capture_logs() as logs:
            window = Window(start=START, end=START + timedelta(seconds=1))
            page = await client(server).query(LogQuery(service="cart", window=window))
    assert len(page.lines) == 4
    assert [entry["event"] for entry in logs] == ["loki_moment_cut"]


async def test_a_cursor_of_somebody_else_is_refused() -> None:
    async with loki() as server:
        for cursor in ("2026-03-03T12:00:00+00:00#3", "7", "#", "-1#2", "9" * 70 + "#1"):
            window = Window(start=START, end=START + timedelta(seconds=1))
            with pytest.raises(SourceRejected, match="cursor"):
                await client(server).query(LogQuery(service="cart", window=window, cursor=cursor))


async def test_what_was_attached_tells_severity_and_trace() -> None:
    attached = {"detected_level": "error", "trace_id": "ab" * 16}
    async with loki([Line(BASE, "it broke", CART, attached)]) as server:
        window = Window(start=START, end=START + timedelta(seconds=1))
        (line,) = (await client(server).query(LogQuery(service="cart", window=window))).lines
    assert (line.severity, line.trace_id) == (Severity.CRITICAL, "ab" * 16)


async def test_a_service_without_labels_is_found_by_its_name() -> None:
    async with loki(
        [Line(BASE, "mine", {"service_name": 'o"dd'}), Line(BASE, "other", {"service_name": "x"})]
    ) as server:
        window = Window(start=START, end=START + timedelta(seconds=1))
        page = await client(server).query(LogQuery(service='o"dd', window=window))
    assert [line.text for line in page.lines] == ["mine"]


def test_a_selector_that_selects_all_or_nothing_is_refused() -> None:
    assert selector({"app": 'a"} or {b="'}) == '{app="a\\"} or {b=\\""}'
    for labels in ({}, {"app": ""}, {"bad-name": "a"}):
        with pytest.raises(SourceRejected, match="no stream"):
            selector(labels)


async def test_the_tenant_is_named() -> None:
    async with loki([Line(BASE, "a", CART)], tenant="acme") as server:
        assert "loki.tenant" in (await client(server).status()).fix
        status = await client(server, tenant="acme").status()
        assert (status.reachable, status.version) == (True, "3.7.6")


async def test_an_empty_loki_is_told() -> None:
    async with loki() as server:
        status = await client(server).status()
    assert not status.reachable
    assert "no stream" in status.detail


@contextlib.asynccontextmanager
async def reading(source: LokiLogs, since: datetime) -> AsyncIterator[list[LogLine]]:
    """What a tail gives, as it comes."""
    got: list[LogLine] = []

    async def read() -> None:
        async for line in source.tail("cart", since):
            got.append(line)  # noqa: PERF401 - seen by the test while it grows

    task = asyncio.create_task(read())
    try:
        yield got
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def now_line(number: int, **labels: str) -> Line:
    return Line(
        nanoseconds_of(datetime.now(UTC)) + number, f"line {number}", {**CART, **labels}, {"detected_level": "info"}
    )


async def test_a_tail_gives_what_was_and_what_comes_once_each_whatever_breaks() -> None:
    async with loki([now_line(number) for number in range(30)]) as server:
        source = client(server, page_lines=7)
        async with reading(source, datetime.now(UTC) - timedelta(minutes=1)) as got:
            await eventually(lambda: len(got) == 30)
            await eventually(lambda: server.tails)
            await server.push([now_line(number) for number in range(30, 40)])
            await eventually(lambda: len(got) == 40)
            server.silent = True
            await server.push([now_line(number) for number in range(40, 60)])
            await server.drop()
            server.silent = False
            await eventually(lambda: len(got) == 60)
            await eventually(lambda: server.tails)
            await server.push([now_line(60), now_line(60, host="other")])
            await eventually(lambda: len(got) == 62)
    assert sorted(line.text for line in got) == sorted([f"line {number}" for number in range(61)] + ["line 60"])


async def test_a_tail_begins_when_it_was_told_to() -> None:
    since = datetime.now(UTC) - timedelta(seconds=30)
    async with loki([Line(BASE, "old", CART), now_line(1)]) as server, reading(client(server), since) as got:
        await eventually(lambda: got)
        await eventually(lambda: server.tails)
    assert [line.text for line in got] == ["line 1"]


async def test_a_tail_that_will_never_be_answered_ends() -> None:
    async with loki(tenant="acme") as server:
        with pytest.raises(SourceRejected, match="no org id"):
            await anext(client(server).tail("cart", START))


def test_an_entry_is_known_with_or_without_what_the_server_added() -> None:
    seen = Seen()
    assert seen.add(Entry(1, (("app", "cart"),), "a"))
    assert not seen.add(Entry(1, (("app", "cart"),), "a", (("detected_level", "info"),)))
    assert not seen.add(Entry(1, (("app", "cart"), ("detected_level", "info")), "a"))
    assert seen.add(Entry(1, (("app", "other"),), "a"))
    assert seen.add(Entry(2, (("app", "cart"),), "a"))
