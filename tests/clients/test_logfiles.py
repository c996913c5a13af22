"""Logs from files as they grow, rotate and break."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.logfiles import BLOCK_LINES, LogFiles
from clients.loglines import MAX_LINE_CHARACTERS, parse_line
from core.errors import SourceRejected, SourceUnavailable
from core.frames import LogLine, LogPage, LogQuery
from core.models import Severity, Window

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


def line(second: float, message: str = "hello") -> str:
    return json.dumps({"ts": (NOON + timedelta(seconds=second)).isoformat(), "level": "info", "msg": message})


def write(path: Path, *lines: str) -> None:
    path.write_text("".join(f"{one}\n" for one in lines))


async def read(source: LogFiles, start: float, end: float, limit: int = 5000, cursor: str = "") -> LogPage:
    window = Window(start=NOON + timedelta(seconds=start), end=NOON + timedelta(seconds=end))
    return await source.query(LogQuery(service="cart", window=window, limit=limit, cursor=cursor))


def messages(lines: tuple[LogLine, ...]) -> list[str]:
    return [json.loads(one.text)["msg"] for one in lines]


def test_a_json_line_tells_time_severity_and_trace() -> None:
    parsed = parse_line(b'{"ts": "2026-03-03T13:00:00+01:00", "level": "ERROR", "msg": "x", "trace_id": "abc"}')
    assert (parsed.at, parsed.severity, parsed.trace_id) == (NOON, Severity.CRITICAL, "abc")


@pytest.mark.parametrize(
    ("raw", "at", "severity"),
    [
        (b'{"time": 1772539200, "level": "warn"}', NOON, Severity.WARNING),
        (b'{"timestamp": 1772539200000, "severity": "debug"}', NOON, Severity.INFO),
        (b"2026-03-03T12:00:00Z ERROR payment failed", NOON, Severity.CRITICAL),
        (b"2026-03-03 12:00:00,500 WARNING slow", NOON + timedelta(seconds=0.5), Severity.WARNING),
        (b"[2026-03-03 12:00:00 +0000] [7] [INFO] booting", NOON, Severity.INFO),
        (b"Traceback (most recent call last):", None, None),
        (b'{"ts": "never", "level": 30}', None, None),
        (b'{"ts": 1e300}', None, None),
        (b'{"ts": "0001-01-01T00:00:00+23:59"}', None, None),
        (b"[" * 100_000, None, None),
        (b'{"a":' * 100_000, None, None),
    ],
)
def test_what_lines_say_of_themselves(raw: bytes, at: datetime | None, severity: Severity | None) -> None:
    parsed = parse_line(raw)
    assert (parsed.at, parsed.severity) == (at, severity)
    assert len(parsed.text) <= MAX_LINE_CHARACTERS


JSON_VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5)
FIELDS = st.dictionaries(st.sampled_from(["ts", "time", "level", "msg", "trace_id", "x"]), JSON_VALUES)


@given(st.one_of(st.binary(), st.text().map(lambda text: text.encode()), FIELDS.map(lambda d: json.dumps(d).encode())))
def test_no_bytes_make_the_parser_raise(raw: bytes) -> None:
    parsed = parse_line(raw)
    LogLine(at=parsed.at or NOON, service="cart", text=parsed.text, severity=parsed.severity, trace_id=parsed.trace_id)


async def test_the_window_is_half_open_and_lines_come_in_time_order(tmp_path: Path) -> None:
    path = tmp_path / "cart.log"
    write(path, line(0, "before"), line(1, "first"), line(3, "third"), line(2, "second"), line(4, "after"))
    page = await read(LogFiles({"cart": [path]}), 1, 4)
    assert messages(page.lines) == ["first", "second", "third"]
    assert (page.cursor, page.dropped) == ("", 0)


async def test_many_lines_page_by_cursor_each_exactly_once_even_at_equal_times(tmp_path: Path) -> None:
    path = tmp_path / "cart.log"
    count = 3 * BLOCK_LINES
    write(path, *(line(number // 7, str(number)) for number in range(count)))
    source = LogFiles({"cart": [path]})
    seen: list[str] = []
    cursor = ""
    while True:
        page = await read(source, 10, 60, limit=17, cursor=cursor)
        seen += messages(page.lines)
        cursor = page.cursor
        if not cursor:
            break
    assert seen == [str(number) for number in range(70, 420)]


async def test_lines_without_a_time_belong_to_the_line_before(tmp_path: Path) -> None:
    path = tmp_path / "cart.log"
    write(path, "preamble", line(1), "Traceback (most recent call last):", "  ValueError", line(9))
    page = await read(LogFiles({"cart": [path]}), 0, 5)
    assert [one.text for one in page.lines][2:] == ["Traceback (most recent call last):", "  ValueError"]
    assert {one.at for one in page.lines} == {NOON + timedelta(seconds=1)}


async def test_rotation_and_truncation(tmp_path: Path) -> None:
    path = tmp_path / "cart.log"
    source = LogFiles({"cart": [path]})
    write(path, line(1, "old"))
    assert messages((await read(source, 0, 9)).lines) == ["old"]
    path.rename(tmp_path / "cart.log.1")
    write(path, line(2, "new"))
    assert messages((await read(source, 0, 9)).lines) == ["old", "new"]
    write(path, line(3, "n"))
    assert messages((await read(source, 0, 9)).lines) == ["old", "n"]


async def test_only_the_end_of_a_long_file_is_read_and_what_was_left_out_is_said(tmp_path: Path) -> None:
    path = tmp_path / "cart.log"
    write(path, *(line(number, str(number)) for number in range(1000)))
    source = LogFiles({"cart": [path]}, max_read_bytes=8192)
    page = await read(source, 0, 2000)
    assert messages(page.lines)[-1] == "999"
    assert page.dropped == pytest.approx(1000 - len(page.lines), rel=0.1)
    assert (await read(source, 990, 2000)).dropped == 0


async def test_errors_name_the_fix(tmp_path: Path) -> None:
    source = LogFiles({"cart": [tmp_path / "missing.log"]})
    with pytest.raises(SourceUnavailable, match=r"missing\.log") as unavailable:
        await read(source, 0, 1)
    assert unavailable.value.fix
    assert not (await source.status()).reachable
    with pytest.raises(SourceRejected, match="no log file is known for service cart"):
        await read(LogFiles({}), 0, 1)
    write(tmp_path / "missing.log", line(0))
    for cursor in ("nonsense", "2026-03-03T12:00:00#1", f"{NOON.isoformat()}#x"):
        with pytest.raises(SourceRejected, match="not a cursor"):
            await read(source, 0, 1, cursor=cursor)
