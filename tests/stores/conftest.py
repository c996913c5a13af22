"""A migrated database for each test, copied from one that is migrated once: a file, and one on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from sqlalchemy import Connection, inspect

from core.clock import ManualClock
from stores.database import open_database
from stores.migrate import upgrade
from stores.store import Store
from tests.servers.postgres import Postgres, postgres_server

__all__ = ["postgres_server"]

Backend = Literal["sqlite", "postgresql"]


def url_of(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


async def execute(url: str, statement: str) -> None:
    """Change a database behind Quell's back."""
    database = open_database(url)
    async with database.write() as connection:
        await connection.exec_driver_sql(statement)
    await database.close()


async def tables_in(url: str) -> set[str]:
    """Names of all tables."""

    def names(connection: Connection) -> set[str]:
        return set(inspect(connection).get_table_names())

    database = open_database(url)
    async with database.read() as connection:
        found = await connection.run_sync(names)
    await database.close()
    return found


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the newest schema and no rows; closed, so that it is a single file."""
    path = tmp_path_factory.mktemp("migrated") / "quell.db"
    asyncio.run(upgrade(url_of(path)))
    return path


@pytest.fixture(scope="session")
def migrated_template(postgres_server: Postgres) -> str:
    """The same on PostgreSQL, to make copies of."""
    name = postgres_server.create()
    asyncio.run(upgrade(postgres_server.url(name)))
    return name


@pytest.fixture
def file(migrated: Path, tmp_path: Path) -> Path:
    """A file of the test's own, for what only files do."""
    return Path(shutil.copy(migrated, tmp_path / "quell.db"))


@pytest.fixture
async def file_store(file: Path, clock: ManualClock) -> AsyncIterator[Store]:
    """An open, empty store in that file."""
    opened = await Store.open(url_of(file), clock)
    yield opened
    await opened.close()


@pytest.fixture
def postgres_url(postgres_server: Postgres, migrated_template: str) -> Iterator[str]:
    """A database of the test's own on PostgreSQL, for what only servers do."""
    name = postgres_server.create(migrated_template)
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def backend(request: pytest.FixtureRequest) -> Any:
    """Each test that asks for it, or for what follows, runs on both databases."""
    return request.param


@pytest.fixture
def url(backend: Backend, request: pytest.FixtureRequest) -> str:
    """A migrated database without rows."""
    if backend == "sqlite":
        return url_of(request.getfixturevalue("file"))
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def bare_url(backend: Backend, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without a schema; a file that is not there yet."""
    if backend == "sqlite":
        yield url_of(tmp_path / "new" / "quell.db")
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    name = server.create()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
async def store(url: str, clock: ManualClock) -> AsyncIterator[Store]:
    """An open, empty store."""
    opened = await Store.open(url, clock)
    yield opened
    await opened.close()
