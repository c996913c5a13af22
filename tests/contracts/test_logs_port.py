"""What every `LogSource` must do. A new implementation joins by one entry in `IMPLEMENTATIONS`.

An implementation is a context manager that is given the lines of service "cart", oldest first, and yields the source.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clients.docker.logs import DockerLogs, LogTarget
from clients.logfiles import LogFiles
from clients.loki.entries import nanoseconds_of
from clients.loki.settings import LokiSettings
from clients.loki.source import LokiLogs
from core.clock import SystemClock
from core.errors import SourceError
from core.frames import LogPage, LogQuery
from core.models import Severity, Window
from core.ports import LogSource
from tests.clients.docker.world import run_container, watching
from tests.contracts.played import PlayedLogs
from tests.fakes.loki import Line, loki
from tests.servers.docker import DockerEngine

Lines = Sequence[tuple[datetime, str]]
START = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
LINES = tuple(
    (
        START + timedelta(seconds=second),
        json.dumps(
            {
                "ts": (START + timedelta(seconds=second)).isoformat(),
                "level": "error" if second % 5 == 0 else "info",
                "msg": f"request {second}",
                "trace_id": f"{second:032x}",
            }
        ),
    )
    for second in range(60)
)

pytestmark = pytest.mark.xdist_group("engine")


@contextlib.asynccontextmanager
async def files(request: pytest.FixtureRequest, lines: Lines, folder: Path) -> AsyncIterator[LogSource]:
    """The embedded source over a real file."""
    path = folder / "cart.log"
    path.write_text("".join(f"{text}\n" for _, text in lines))
    yield LogFiles({"cart": [path]})


@contextlib.asynccontextmanager
async def recording(request: pytest.FixtureRequest, lines: Lines, folder: Path) -> AsyncIterator[LogSource]:
    """A recording of the embedded source."""
    async with files(request, lines, folder) as live:
        yield PlayedLogs(live)


@contextlib.asynccontextmanager
async def real_protocol(request: pytest.FixtureRequest, lines: Lines, folder: Path) -> AsyncIterator[LogSource]:
    """Loki's client and a server that answers as recordings of a real one do."""
    labels = {"app": "cart", "service_name": "cart"}
    async with loki(
        [Line(nanoseconds_of(at), text, labels, {"detected_level": "info"}) for at, text in lines]
    ) as server:
        yield LokiLogs(LokiSettings(url=server.url), {"cart": {"app": "cart"}}, SystemClock())


@contextlib.asynccontextmanager
async def containers(request: pytest.FixtureRequest, lines: Lines, folder: Path) -> AsyncIterator[LogSource]:
    """A real engine; the lines are put into the log of a container that wrote none, since it stamps them itself."""
    host: DockerEngine = request.getfixturevalue("docker_engine")
    path = host.folder / "data/containers" / run_container(host, "cart", "v1")
    written = [{"log": f"{text}\n", "stream": "stdout", "time": f"{at:%Y-%m-%dT%H:%M:%SZ}"} for at, text in lines]
    (path / f"{path.name}-json.log").write_text("".join(f"{json.dumps(line)}\n" for line in written))
    async with watching(host, folder / "docker.jsonl") as docker:
        yield DockerLogs(docker.engine, {"cart": LogTarget(container="cart")})


Implementation = Callable[[pytest.FixtureRequest, Lines, Path], AbstractAsyncContextManager[LogSource]]
IMPLEMENTATIONS: dict[str, Implementation] = {
    "files": files,
    "recording": recording,
    "loki": real_protocol,
    "docker": containers,
}


@pytest.fixture(
    params=[pytest.param(name, marks=pytest.mark.slow if name == "docker" else ()) for name in IMPLEMENTATIONS]
)
async def source(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LogSource]:
    """Each implementation with `LINES`."""
    async with IMPLEMENTATIONS[request.param](request, LINES, tmp_path) as made:
        yield made


async def ask(source: LogSource, first: int, last: int, **fields: object) -> LogPage:
    window = Window(start=START + timedelta(seconds=first), end=START + timedelta(seconds=last))
    return await source.query(LogQuery.model_validate({"service": "cart", "window": window, **fields}))


async def test_lines_of_the_half_open_window_oldest_first_as_they_were_written(source: LogSource) -> None:
    page = await ask(source, 10, 20)
    assert [(line.at, line.text) for line in page.lines] == list(LINES[10:20])
    assert {line.service for line in page.lines} == {"cart"}
    assert page.cursor == ""


async def test_severity_and_trace_id_are_read(source: LogSource) -> None:
    first, second = (await ask(source, 10, 12)).lines
    assert (first.severity, second.severity) == (Severity.CRITICAL, Severity.INFO)
    assert first.trace_id == f"{10:032x}"


async def test_the_cursor_goes_on_where_the_limit_cut(source: LogSource) -> None:
    seen: list[str] = []
    cursor = ""
    for _ in range(10):
        page = await ask(source, 0, 60, limit=7, cursor=cursor)
        assert len(page.lines) <= 7
        seen += [line.text for line in page.lines]
        cursor = page.cursor
        if not cursor:
            break
    assert seen == [text for _, text in LINES]


async def test_a_quiet_window_is_an_empty_page(source: LogSource) -> None:
    page = await ask(source, 1000, 2000)
    assert (page.lines, page.cursor) == ((), "")


async def test_an_unknown_service_is_an_error_or_silence_never_another_services_lines(source: LogSource) -> None:
    with contextlib.suppress(SourceError):
        assert (await ask(source, 0, 60, service="stranger")).lines == ()


async def test_status_names_the_source(source: LogSource) -> None:
    status = await source.status()
    assert (status.name, status.configured, status.reachable) == (source.name, True, True)
