"""Fixtures that every test may use."""

from __future__ import annotations

import asyncio
import gc
import logging
import shutil
from collections.abc import AsyncIterator, Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from core.clock import ManualClock
from stores.migrate import upgrade
from stores.store import Store

pytest_plugins = ("tests.servers.plugin", "tests.servers.docker")

# No test asserts time: a loaded machine is slow at random.
settings.register_profile("quell", settings(), deadline=None)
settings.load_profile("quell")


PLAIN = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
"""By default structlog draws what each frame of an exception holds, for seconds."""


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """A command that runs inside a test configures logging for its process: the next test gets it as it was."""
    root = logging.getLogger()
    loggers = [each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    levels = {each: (each.level, list(each.handlers), each.propagate) for each in (root, *loggers)}
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], PLAIN])
    yield
    structlog.reset_defaults()
    for each, (level, handlers, propagate) in levels.items():
        each.setLevel(level)
        each.handlers, each.propagate = handlers, propagate
    for each in logging.root.manager.loggerDict.values():
        if isinstance(each, logging.Logger) and each not in levels:
            each.setLevel(logging.NOTSET)


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at a Tuesday noon until it is told to move."""
    return ManualClock(datetime(2026, 3, 3, 12, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database to copy from; migrating once a session saves most of a test's time."""
    path = tmp_path_factory.mktemp("database") / "quell.db"
    asyncio.run(upgrade(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
async def store(empty_database: Path, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    """A real store in a file of its own, on the test's clock."""
    path = shutil.copy(empty_database, tmp_path / "quell.db")
    opened = await Store.open(f"sqlite+aiosqlite:///{path}", clock)
    yield opened
    await opened.close()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Modules live until the end: the garbage collector need not look at them, and seldom at the rest."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, None, None]:
    """Drills and tests of the one Docker Engine share a worker; what starts real processes may try twice.

    A test of real servers and processes that fails is repeated, and the summary says so (``RERUN``): its world is the
    machine's, and how soon the kernel lets a process run is not the test's to decide. What fails twice in a row has
    failed. Tests that start nothing have no such excuse.
    """
    for item in items:
        if "docker_engine" in getattr(item, "fixturenames", ()) or item.get_closest_marker("drill"):
            item.add_marker(pytest.mark.xdist_group("engine"))
        if any(item.get_closest_marker(name) for name in ("slow", "crash", "drill")):
            item.add_marker(pytest.mark.flaky(reruns=1))
    yield
    if getattr(config.option, "loadgroup", False):
        _keep_groups(items)


def _keep_groups(items: list[pytest.Item]) -> None:
    """xdist 3.8 writes a group where pytest 9.2 does not look (https://github.com/pytest-dev/pytest-xdist/issues/1386)."""
    for item in items:
        written = getattr(item, "_nodeid", item.nodeid)
        if written != item.nodeid:
            item._id = type(item.id).parse(written)
        assert not item.get_closest_marker("xdist_group") or "@" in item.nodeid, f"{item.nodeid} is in no group"
