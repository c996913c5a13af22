"""The file: settings that survive a power cut, and errors that say what to do."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from core.clock import ManualClock
from core.errors import ConfigError, SchemaMismatch, StoreCorrupt, StoreUnavailable
from stores import sqlite
from stores.migrate import upgrade
from stores.store import Store
from tests.stores.conftest import url_of
from tests.stores.samples import incident

NOBODY = 65534


@contextmanager
def as_nobody() -> Iterator[None]:
    """Give up root's right to write everywhere, as the file system would not stop it."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def damage_second_half(path: Path) -> None:
    content = path.read_bytes()
    half = len(content) // 2
    path.write_bytes(content[:half] + b"\xff" * half)


@contextmanager
def read_only_copy(database: Path) -> Iterator[Path]:
    """A copy that may be read, in a folder that may be entered, and nothing more."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy = Path(shutil.copy(database, folder))
        copy.chmod(0o444)
        folder.chmod(0o555)
        yield copy
        folder.chmod(0o755)


@pytest.mark.parametrize(
    ("pragma", "expected"),
    [("journal_mode", "wal"), ("synchronous", 2), ("busy_timeout", 10_000), ("foreign_keys", 1)],
)
async def test_connections_survive_a_power_cut(file_store: Store, pragma: str, expected: object) -> None:
    async with file_store.write() as writer, file_store.read() as reader:
        for tx in (writer, reader):
            assert (await tx.connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar_one() == expected


async def test_a_write_is_kept_whole_or_not_at_all(store: Store) -> None:
    async def fail_half_way() -> None:
        async with store.write() as tx:
            await tx.incidents.add(incident())
            raise LookupError

    with pytest.raises(LookupError):
        await fail_half_way()
    async with store.read() as tx:
        assert await tx.incidents.find() == []


async def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(StoreUnavailable, match=r"read-?only"):
        async with store.read() as tx:
            await tx.flags.set("kill_switch", "on")


async def test_what_was_written_is_there_after_a_restart(url: str, clock: ManualClock) -> None:
    for expected in (None, "on"):
        store = await Store.open(url, clock)
        async with store.write() as tx:
            assert await tx.flags.get("kill_switch") == expected
            await tx.flags.set("kill_switch", "on")
        await store.close()


async def test_a_file_that_is_no_database_is_corrupt(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "quell.db"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreCorrupt, match="restore a backup"):
        await Store.open(url_of(path), clock)
    with pytest.raises(StoreCorrupt):
        await upgrade(url_of(path))


async def test_a_damaged_page_is_corrupt(file: Path, clock: ManualClock) -> None:
    store = await Store.open(url_of(file), clock)
    async with store.write() as tx:
        for _ in range(100):
            await tx.inbox.add("alertmanager", b"x" * 4096)
    await store.close()
    damage_second_half(file)

    store = await Store.open(url_of(file), clock)
    with pytest.raises(StoreCorrupt, match="restore a backup"):
        async with store.read() as tx:
            await tx.inbox.pending(100)
    await store.close()


async def test_a_full_disk_is_told_and_nothing_is_half_written(file_store: Store) -> None:
    async def fill() -> None:
        async with file_store.write() as tx:
            pages = (await tx.connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
            await tx.connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 5}")
            await tx.inbox.add("alertmanager", b"{}")
            await tx.inbox.add("alertmanager", b"x" * 100_000)

    with pytest.raises(StoreUnavailable, match=r"full .*free some space") as told:
        await fill()
    assert told.value.retryable
    async with file_store.write() as tx:
        assert await tx.inbox.pending(10) == []
        await tx.inbox.add("alertmanager", b"fits")


async def test_a_locked_database_is_told(file: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sqlite.PRAGMAS, "busy_timeout", "20")
    store = await Store.open(url_of(file), clock)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="another process") as told:
            async with store.write():
                pass
        assert told.value.retryable
    async with store.write() as tx:
        await tx.flags.set("kill_switch", "on")
    await store.close()


async def test_a_folder_without_write_permission_is_told(clock: ManualClock, migrated: Path) -> None:
    with read_only_copy(migrated) as database, as_nobody():
        with pytest.raises(StoreUnavailable, match="writable"):
            await Store.open(url_of(database), clock)
        with pytest.raises(StoreUnavailable, match="choose a data_dir"):
            await upgrade(url_of(database.parent / "new" / "quell.db"))


async def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="choose a data_dir"):
        await upgrade(url_of(tmp_path / "file" / "quell.db"))


async def test_others_may_not_read_the_database(tmp_path: Path) -> None:
    path = tmp_path / "new" / "quell.db"
    await upgrade(url_of(path))
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://me:secret@host/quell",
        "postgresql+asyncpg://me:secret@host/quell",
        "postgresql://me:secret@host",
        "postgresql://me:sec@secret:host/quell",
        "sqlite+aiosqlite://",
        "sqlite+aiosqlite:///:memory:",
    ],
)
async def test_a_url_that_names_no_database_is_refused_without_showing_secrets(url: str, clock: ManualClock) -> None:
    with pytest.raises(ConfigError, match="database_url") as told:
        await Store.open(url, clock)
    assert "secret" not in str(told.value)


async def test_a_path_may_hold_any_character(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "a folder, 100% ours #1" / "quell.db"
    await upgrade(url_of(path))
    store = await Store.open(url_of(path), clock)
    await store.close()
    assert path.is_file()


async def test_a_missing_database_is_not_created_by_looking(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "quell.db"
    with pytest.raises(SchemaMismatch, match="quell db upgrade"):
        await Store.open(url_of(path), clock)
    assert not path.exists()
