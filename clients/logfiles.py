"""The embedded log source: files, read from the end on every query.

Nothing is kept between queries, so rotation and truncation need no bookkeeping: a query reads the rotated predecessor
`<path>.1` and the file itself, as they are at that moment. A line without a time of its own (a stack trace) has the
time of the line before it.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field

from clients.logcursor import cursor_after, resume
from clients.loglines import ParsedLine, parse_line
from core.errors import SourceRejected, SourceUnavailable
from core.frames import LogLine, LogPage, LogQuery
from core.models import Model
from core.ports import SourceStatus

MAX_READ_BYTES = 16 * 1024 * 1024
BLOCK_LINES = 256


class LogFile(Model):
    """One file that one service writes."""

    service: str = Field(min_length=1)
    path: Path


class LogSettings(Model):
    """The `logs` section of quell.yaml."""

    files: tuple[LogFile, ...] = ()
    max_read_bytes: int = Field(default=MAX_READ_BYTES, ge=4096, description="read from the end of one file at most")


@dataclass(frozen=True, slots=True)
class _Tail:
    """The end of a file: whole lines, the file's last modification, and about how many lines lie before it."""

    lines: list[bytes]
    modified: datetime
    unread: int


class LogFiles:
    """A `core.ports.LogSource` over files.

    Args:
        files: the files of each service; looked at anew for each question, since replicas come and go.
        max_read_bytes: read from the end of one file at most; lines before that count as dropped.
    """

    name = "files"

    def __init__(self, files: Mapping[str, Sequence[Path]], max_read_bytes: int = MAX_READ_BYTES) -> None:
        self._files = files
        self._max_read_bytes = max_read_bytes

    async def query(self, query: LogQuery) -> LogPage:
        """Lines of the service with ``start <= at < end``, oldest first.

        Raises:
            SourceRejected: no file is known for the service, or the cursor is not one of ours.
            SourceUnavailable: a file cannot be read.
        """
        paths = self._files.get(query.service)
        if not paths:
            raise SourceRejected(
                f"no log file is known for service {query.service}", fix="add it under logs.files in quell.yaml"
            )
        return await asyncio.to_thread(self._page, query, paths)

    async def status(self) -> SourceStatus:
        """Reachable when all files exist."""
        paths = sorted({path for paths in self._files.values() for path in paths})
        missing = [str(path) for path in await asyncio.to_thread(lambda: [p for p in paths if not p.is_file()])]
        return SourceStatus(
            name=self.name,
            configured=bool(paths),
            reachable=bool(paths) and not missing,
            detail=f"{len(paths) - len(missing)} of {len(paths)} files" + "".join(f"; no {path}" for path in missing),
            fix="correct the paths under logs.files, or start the services that write them" if missing else "",
        )

    def _page(self, query: LogQuery, paths: Sequence[Path]) -> LogPage:
        start, skip = resume(query)
        lines: list[LogLine] = []
        dropped = 0
        for path in paths:
            try:
                tails = [_read_tail(part, self._max_read_bytes) for part in _parts(path)]
            except OSError as error:
                raise SourceUnavailable(
                    f"cannot read {path}: {error.strerror}", fix="check the path and its permissions"
                ) from error
            for tail in tails:
                found, cut = _in_window(tail, query.service, start, query.window.end)
                lines += found
                dropped += cut
        lines.sort(key=lambda line: line.at)
        lines = lines[skip:]
        page = lines[: query.limit]
        more = len(lines) > query.limit
        return LogPage(lines=tuple(page), cursor=cursor_after(page, start, skip) if more else "", dropped=dropped)


def _parts(path: Path) -> list[Path]:
    rotated = path.with_name(f"{path.name}.1")
    return [rotated, path] if rotated.is_file() else [path]


def _read_tail(path: Path, max_bytes: int) -> _Tail:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        skipped = max(0, size - max_bytes)
        file.seek(skipped)
        data = file.read(max_bytes)
        modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    lines = data.split(b"\n")
    if skipped:
        lines = lines[1:]
    if lines and not lines[-1]:
        lines.pop()
    return _Tail(lines, modified, skipped * len(lines) // max(1, len(data)) + 1 if skipped else 0)


def _in_window(tail: _Tail, service: str, start: datetime, end: datetime) -> tuple[list[LogLine], int]:
    """Lines of the window, and how many lines before the tail may have belonged to it.

    Only blocks that can hold the window are parsed; lines may be out of order by less than a block.
    """
    blocks = [tail.lines[at : at + BLOCK_LINES] for at in range(0, len(tail.lines), BLOCK_LINES)]
    opened = [_first_time(block) for block in blocks]
    first = next((i for i, at in enumerate(opened) if at is not None and at >= start), len(blocks)) - 2
    last = max((i for i, at in enumerate(opened) if at is None or at < end), default=-1) + 1
    chosen = itertools.chain.from_iterable(blocks[max(first, 0) : last + 1])
    lines = [
        LogLine(at=at, service=service, text=line.text, severity=line.severity, trace_id=line.trace_id)
        for at, line in _timed(chosen, tail.modified)
        if start <= at < end
    ]
    held_from = next((at for at in opened if at is not None), tail.modified)
    return lines, tail.unread if held_from > start else 0


def _timed(lines: Iterator[bytes], fallback: datetime) -> Iterator[tuple[datetime, ParsedLine]]:
    """Each line with its time, or that of the line before, or that of the first line that has one, or the fallback."""
    waiting: list[ParsedLine] = []
    at: datetime | None = None
    for raw in lines:
        line = parse_line(raw)
        at = line.at or at
        if at is None:
            waiting.append(line)
            continue
        yield from ((at, early) for early in waiting)
        waiting.clear()
        yield at, line
    yield from ((fallback, early) for early in waiting)


def _first_time(block: Sequence[bytes]) -> datetime | None:
    return next((at for at in (parse_line(raw).at for raw in block) if at is not None), None)
