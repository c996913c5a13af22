"""Log lines of containers and Swarm services, as the engine keeps them.

The engine's own timestamps order the lines and bound the window: a program's clock may be anything. A page reads on
from the time of its cursor and skips what was handed out of that very time, so that no line is lost or repeated, also
among lines of one microsecond. A container that was created anew begins with an empty log: the engine forgets the
other one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from urllib.parse import quote

from clients.docker.engine import Engine, known
from clients.docker.status import engine_status
from clients.docker.times import as_parameter, from_nanoseconds, parse_nanoseconds, to_nanoseconds
from clients.logcursor import cursor_after, resume
from clients.loglines import parse_line
from core.errors import SourceRejected
from core.frames import LogLine, LogPage, LogQuery
from core.models import Service
from core.ports import SourceStatus

MAX_READ_BYTES = 32 * 1024 * 1024
"""Of one answer; beyond it a page ends early, with a cursor to read on from."""
_HEADER = struct.Struct(">BxxxL")
_SECOND = 1_000_000_000


class _Body(Protocol):
    def read(self, amount: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class LogTarget:
    """Whose log is read; one of the two is set."""

    container: str = ""
    swarm_service: str = ""


def target_of(service: Service) -> LogTarget | None:
    """What a service's identity says; None when no engine runs it."""
    identity = service.identity
    if not (identity.container or identity.swarm_service):
        return None
    return LogTarget(container=identity.container, swarm_service=identity.swarm_service)


class DockerLogs:
    """A `core.ports.LogSource` over an engine.

    Args:
        targets: container or Swarm service of each service; looked at anew for each question, since what runs changes.
        max_read_bytes: read of one answer at most.
    """

    name = "docker"

    def __init__(self, engine: Engine, targets: Mapping[str, LogTarget], max_read_bytes: int = MAX_READ_BYTES) -> None:
        self._engine = engine
        self._targets = targets
        self._max_read_bytes = max_read_bytes

    async def query(self, query: LogQuery) -> LogPage:
        """Lines of the service with ``start <= at < end``, oldest first.

        Raises:
            SourceRejected: no container is known for the service, or the cursor is not one of ours.
            SourceUnavailable: the engine does not answer.
        """
        target = self._targets.get(query.service)
        if target is None:
            raise SourceRejected(
                f"no container or Swarm service is known for {query.service}",
                fix="set its container under services: identity: in quell.yaml",
            )
        start, skip = resume(query)
        skew = await self._engine.skew()
        path, framed = await self._path(target)
        since, until = to_nanoseconds(start + skew), to_nanoseconds(query.window.end + skew)
        parameters = {
            "stdout": "1",
            "stderr": "1",
            "timestamps": "1",
            "since": as_parameter(since),
            "until": as_parameter(until + _SECOND),  # the end is exact in the filter below
        }
        cut: list[bool] = []
        raw = await self._engine.stream(
            path, parameters, lambda body: list(_lines(body, framed, self._max_read_bytes, cut))
        )
        if cut and target.swarm_service:  # its tasks are not in order of time: what was left out may be older
            raise SourceRejected(
                f"{query.service} wrote more than {self._max_read_bytes} bytes in this window", fix="ask for less time"
            )
        found = [line for line in _dated(raw) if since <= line[0] < until]
        found.sort(key=lambda line: line[0])
        page = _log_lines(found, query.service, skew)[skip:]
        kept = page[: query.limit]
        more = len(page) > query.limit or bool(cut)
        return LogPage(lines=tuple(kept), cursor=cursor_after(kept, start, skip) if more and kept else "")

    async def status(self) -> SourceStatus:
        """Reachable when the engine answers."""
        return await engine_status(self._engine, self.name)

    async def _path(self, target: LogTarget) -> tuple[str, bool]:
        """Path of the log, and whether its lines are framed, as they are without a terminal.

        Raises:
            SourceRejected: the engine knows no such thing.
        """
        if target.swarm_service:
            told = known(await self._engine.service(target.swarm_service), "Swarm service", target.swarm_service)
            terminal = told["Spec"]["TaskTemplate"].get("ContainerSpec", {}).get("TTY", False)
            return f"/services/{quote(target.swarm_service, safe='')}/logs", not terminal
        told = known(await self._engine.container(target.container), "container", target.container)
        return f"/containers/{quote(target.container, safe='')}/logs", not (told.get("Config") or {}).get("Tty")


def _lines(body: _Body, framed: bool, max_bytes: int, cut: list[bool]) -> Iterator[bytes]:
    """Whole lines of an answer; `cut` is not empty when there was more than `max_bytes`."""
    rest = b""
    read = 0
    for part in _parts(body, framed):
        read += len(part)
        *whole, rest = (rest + part).split(b"\n")
        yield from whole
        if read >= max_bytes:
            cut.append(True)
            return
    if rest:
        yield rest


def _parts(body: _Body, framed: bool) -> Iterator[bytes]:
    """Payload of an answer: without a terminal each part has a header with its stream and length (Engine API,
    ContainerAttach, "Stream format")."""
    if not framed:
        while part := body.read(65536):
            yield part
        return
    while len(header := body.read(_HEADER.size)) == _HEADER.size:
        _, length = _HEADER.unpack(header)
        yield body.read(length)


def _dated(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Nanoseconds and text of each line; the engine writes the time in front."""
    for line in lines:
        at, _, text = line.partition(b" ")
        nanoseconds = parse_nanoseconds(at.decode("ascii", errors="replace"))
        if nanoseconds is not None:
            yield nanoseconds, text


def _log_lines(found: Iterable[tuple[int, bytes]], service: str, skew: timedelta) -> list[LogLine]:
    lines = []
    for nanoseconds, raw in found:
        parsed = parse_line(raw)
        at = from_nanoseconds(nanoseconds) - skew
        lines.append(
            LogLine(at=at, service=service, text=parsed.text, severity=parsed.severity, trace_id=parsed.trace_id)
        )
    return lines
