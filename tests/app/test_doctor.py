"""`quell doctor`: says of every integration whether it works, and how to make it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from app.doctor import examine
from core.clock import ManualClock
from core.ports import SourceStatus
from stores.checkpoints import open_checkpointer
from stores.migrate import upgrade
from stores.store import Store
from tests.servers.postgres import PASSWORD, Postgres, postgres_server
from tests.stores.samples import incident

__all__ = ["postgres_server"]

METRICS = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 7\r\nconnection: close\r\n\r\nup_x 1\n"


@pytest.fixture
async def page() -> AsyncIterator[str]:
    """A metrics page that really answers."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(METRICS)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/metrics"


async def checks(text: str, clock: ManualClock) -> dict[str, SourceStatus]:
    file = Path("quell.yaml")
    await asyncio.to_thread(file.write_text, text)
    report = await examine(file, clock)
    found = {each.name: each for each in report.checks}
    assert len(found) == len(report.checks)
    assert report.ok is all(each.reachable for each in report.checks if each.configured)
    for each in report.checks:
        assert each.reachable or each.fix or not each.configured, each
    return found


async def migrated(tmp_path: Path) -> str:
    (tmp_path / ".quell").mkdir()
    url = f"sqlite+aiosqlite:///{tmp_path / '.quell' / 'quell.db'}"
    await upgrade(url)
    return url


async def test_nothing_is_wrong_with_a_fresh_installation(clock: ManualClock) -> None:
    found = await checks("models: {frontier: {bearer_token: key, url: 'http://127.0.0.1:1'}}\n", clock)
    assert found["budget"].reachable
    found = await checks("", clock)
    assert [each.name for each in found.values() if each.configured and not each.reachable] == []
    assert found["database"].detail.endswith("(made at first start)")
    assert found["models"].detail == "not configured: rules only"
    assert not list(Path.cwd().glob(".quell/*"))


async def test_everything_well(tmp_path: Path, clock: ManualClock, page: str) -> None:
    await migrated(tmp_path)
    (tmp_path / "app.log").touch()
    found = await checks(
        f"scrape: {{targets: [{{url: '{page}', labels: {{job: a}}}}]}}\n"
        f"logs: {{files: [{{service: a, path: {tmp_path / 'app.log'}}}]}}\n"
        f"notify: {{webhooks: [{{name: w, url: '{page}'}}]}}\n",
        clock,
    )
    assert found["database"].version
    assert found[f"scrape {page}"].reachable
    assert found["notify.webhooks w"].reachable
    broken = {name for name, each in found.items() if each.configured and not each.reachable}
    assert broken <= {"scrape"}  # nobody has kept a history yet


async def test_everything_broken_says_how_to_fix_it(tmp_path: Path, clock: ManualClock) -> None:
    url = await migrated(tmp_path)
    store = await Store.open(url, clock)
    async with store.write() as tx:
        await tx.incidents.add(incident(opened_at=clock.now().replace(year=2030)))
    await store.close()
    (tmp_path / ".quell" / "token").write_text("t")
    (tmp_path / ".quell" / "token").chmod(0o644)
    (tmp_path / ".quell" / "checkpoints.db").write_text("no database, although long enough to be looked at" * 30)
    found = await checks(
        "scrape: {targets: [{url: 'http://user:hush@127.0.0.1:1/metrics'}]}\n"
        "logs: {files: [{service: a, path: missing.log}]}\n"
        "processes: [{name: a, argv: ['true']}]\n"
        "notify: {slack: [{name: s, url: 'http://127.0.0.1:1/hush'}]}\n",
        clock,
    )
    broken = {name for name, each in found.items() if each.configured and not each.reachable}
    assert {"checkpoints", "clock", "server", "notify.slack s", "process", "files"} <= broken
    assert any(name.startswith("scrape http://user:") for name in broken)
    assert "hush" not in str(found)


async def test_a_wrong_configuration_is_the_only_thing_told(clock: ManualClock) -> None:
    found = await checks("sever: {}", clock)
    assert list(found) == ["config"]
    assert "did you mean" in found["config"].fix


async def test_a_database_of_a_newer_quell_says_which_program_it_needs(tmp_path: Path, clock: ManualClock) -> None:
    await migrated(tmp_path)
    with closing(sqlite3.connect(tmp_path / ".quell" / "quell.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    found = await checks("", clock)
    assert not found["database"].reachable
    assert "newer Quell" in found["database"].fix


async def test_a_damaged_database(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / ".quell").mkdir()
    (tmp_path / ".quell" / "quell.db").write_bytes(b"not a database at all" * 100)
    found = await checks("", clock)
    assert not found["database"].reachable
    assert found["database"].fix


@pytest.mark.slow
async def test_postgresql_right_and_wrong(
    postgres_server: Postgres, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres_server.url(postgres_server.create())
    await upgrade(url)
    for wrong, fix in [
        (url.replace(PASSWORD, "hush"), "correct user and password"),
        (url.replace("/test_", "/missing_"), "createdb"),
        (url.replace(f":{postgres_server.port}", ":1"), "start PostgreSQL"),
        (url.replace("postgresql", "mysql"), "postgresql://USER"),
    ]:
        monkeypatch.setenv("DATABASE_URL", wrong)
        found = await checks("", clock)
        assert fix in found["database"].fix
        assert fix in found["checkpoints"].fix
        assert "hush" not in str(found)
        assert PASSWORD not in str(found)
    monkeypatch.setenv("DATABASE_URL", url)
    for _ in range(2):  # looking makes nothing
        found = await checks("", clock)
        assert found["database"].version.startswith("PostgreSQL 1")
        assert found["checkpoints"].detail.endswith("(made at first start)")
    async with open_checkpointer(url):
        found = await checks("", clock)
    assert found["checkpoints"].reachable
    assert not found["checkpoints"].detail.endswith("(made at first start)")
