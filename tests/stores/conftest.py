"""A migrated database for each test, copied from one that is migrated once."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.clock import ManualClock
from stores.migrate import upgrade
from stores.store import Store


def url_of(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the newest schema and no rows; closed, so that it is a single file."""
    path = tmp_path_factory.mktemp("migrated") / "quell.db"
    asyncio.run(upgrade(url_of(path)))
    return path


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Path:
    """A database of the test's own."""
    return Path(shutil.copy(migrated, tmp_path / "quell.db"))


@pytest.fixture
def url(database: Path) -> str:
    return url_of(database)


@pytest.fixture
async def store(url: str, clock: ManualClock) -> AsyncIterator[Store]:
    """An open, empty store."""
    opened = await Store.open(url, clock)
    yield opened
    await opened.close()
