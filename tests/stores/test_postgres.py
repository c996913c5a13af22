"""What only a server does: refuse, vanish, come back, end a client that hangs, and keep no NUL."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from langgraph.checkpoint.base import empty_checkpoint

from core.clock import ManualClock
from core.errors import QuellError, StoreError, StoreUnavailable
from stores import postgres as postgres_module
from stores.checkpoints import checkpoints_exist, open_checkpointer
from stores.database import open_database
from stores.migrate import upgrade
from stores.store import Store
from tests.servers.postgres import PASSWORD, USER, Postgres, postgres

pytestmark = pytest.mark.slow

THREAD = {"configurable": {"thread_id": "inc_1", "checkpoint_ns": ""}}


@pytest.fixture
def own_server() -> Iterator[Postgres]:
    """A server that the test may kill."""
    with postgres() as server:
        yield server


async def refusal(url: str, clock: ManualClock) -> QuellError:
    """The error that opening a store there ends in; nothing about it shows the password."""
    with pytest.raises(QuellError) as told:
        await Store.open(url, clock)
    assert PASSWORD not in "".join(traceback.format_exception(told.value))
    return told.value


@pytest.mark.parametrize(
    ("old", "new", "expected", "fix"),
    [
        (PASSWORD, f"not-{PASSWORD}", StoreError, "correct user and password"),
        (f":{PASSWORD}@", "@", StoreError, "correct user and password"),
        (f"{USER}:", "nobody:", StoreError, "correct user and password"),
        ("/test_", "/missing_", StoreError, "createdb"),
        ("127.0.0.1", "nosuch.invalid", StoreUnavailable, "start PostgreSQL"),
    ],
)
async def test_a_wrong_url_is_told_with_its_fix(
    postgres_url: str, clock: ManualClock, old: str, new: str, expected: type[Exception], fix: str
) -> None:
    told = await refusal(postgres_url.replace(old, new), clock)
    assert type(told) is expected
    assert fix in told.fix
    assert "127.0.0.1" in str(told) or "nosuch" in str(told)


@pytest.mark.parametrize("options", ["sslmode=require", "sslmode=nonsense", "nosuch=1"])
async def test_a_wrong_option_is_told_with_its_fix(postgres_url: str, clock: ManualClock, options: str) -> None:
    told = await refusal(f"{postgres_url}?{options}", clock)
    assert type(told) is StoreError
    assert "behind the ?" in told.fix


async def test_a_server_that_is_not_there_is_worth_another_try(postgres_url: str, clock: ManualClock) -> None:
    told = await refusal(f"postgresql://{USER}:{PASSWORD}@127.0.0.1:1/quell", clock)
    assert told.retryable
    assert "start PostgreSQL" in told.fix


async def test_a_server_that_is_too_old_is_refused(
    postgres_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_module, "MIN_VERSION", 99)
    told = await refusal(postgres_url, clock)
    assert "too old" in told.message
    assert "PostgreSQL 99 or newer" in told.fix


async def test_missing_rights_are_told(postgres_server: Postgres, postgres_url: str, clock: ManualClock) -> None:
    database = postgres_url.rpartition("/")[2]
    postgres_server.execute(
        "DROP ROLE IF EXISTS guest", f"CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'", database=database
    )
    told = await refusal(postgres_url.replace(f"{USER}:", "guest:"), clock)
    assert "all rights" in told.fix


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgres"])
async def test_the_spellings_of_users_are_understood(postgres_url: str, clock: ManualClock, scheme: str) -> None:
    store = await Store.open(postgres_url.replace("postgresql", scheme), clock)
    await store.close()


async def test_the_version_and_a_name_without_secrets(postgres_url: str) -> None:
    database = open_database(postgres_url)
    assert (await database.version()).startswith("PostgreSQL 1")
    assert PASSWORD not in database.name
    assert postgres_url.rpartition("/")[2] in database.name
    await database.close()


async def test_a_store_and_its_checkpoints_outlive_the_server(
    own_server: Postgres, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    url = own_server.url(own_server.create())
    await upgrade(url)
    store = await Store.open(url, clock)
    async with open_checkpointer(url) as saver:
        kept = await saver.aput(THREAD, empty_checkpoint(), {}, {})
        async with store.write() as tx:
            await tx.flags.set("kill_switch", "on")
        own_server.kill()
        for touch in (write(store), read(store), saver.aget_tuple(THREAD), saver.aput_writes(kept, [("a", 1)], "t")):
            with pytest.raises(StoreUnavailable, match="start PostgreSQL"):
                await touch
        own_server.start()
        assert await read(store) == "on"
        await write(store)
        assert (await saver.aget_tuple(THREAD) or None) is not None
        await saver.aput_writes(kept, [("a", 1)], "t")
    await store.close()
    assert PASSWORD not in caplog.text
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]


async def write(store: Store) -> None:
    async with store.write() as tx:
        await tx.flags.set("written", "on")


async def read(store: Store) -> str | None:
    async with store.read() as tx:
        return await tx.flags.get("kill_switch")


async def test_a_server_that_dies_in_a_transaction_is_told(own_server: Postgres, clock: ManualClock) -> None:
    url = own_server.url(own_server.create())
    await upgrade(url)
    store = await Store.open(url, clock)

    async def interrupted() -> None:
        async with store.write() as tx:
            await tx.flags.set("kill_switch", "on")
            own_server.kill()
            await tx.flags.set("kill_switch", "off")

    with pytest.raises(StoreUnavailable):
        await interrupted()
    own_server.start()
    assert await read(store) is None
    await store.close()


async def test_a_writer_waits_for_those_of_other_processes_but_not_for_ever(
    postgres_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = postgres_module.BEGIN[0].replace("'10s'", "'50ms'")
    monkeypatch.setattr(postgres_module, "BEGIN", (impatient, *postgres_module.BEGIN[1:]))
    store, other = await Store.open(postgres_url, clock), await Store.open(postgres_url, clock)
    async with other.write():
        with pytest.raises(StoreUnavailable, match="another process keeps it locked"):
            await write(store)
        assert await read(store) is None
    await write(store)
    await store.close()
    await other.close()


async def test_a_writer_that_hangs_is_ended_by_the_server(
    postgres_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasty = postgres_module.BEGIN[0].replace("'30s'", "'50ms'")
    monkeypatch.setattr(postgres_module, "BEGIN", (hasty, *postgres_module.BEGIN[1:]))
    store, other = await Store.open(postgres_url, clock), await Store.open(postgres_url, clock)

    async def hang() -> None:
        async with other.write() as tx:
            await tx.flags.set("kill_switch", "on")
            await write(store)  # waits until the lock is free, which the server sees to
            await tx.flags.set("kill_switch", "late")

    with pytest.raises(StoreUnavailable):
        await hang()
    assert await read(store) is None
    await store.close()
    await other.close()


TEXT = st.text(st.sampled_from("\0\x1ae0a"), max_size=12)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=TEXT, value=TEXT)
@example(name="\x1a\x000", value="\x1ae\x1a0\0")
async def test_text_of_strangers_may_hold_any_character(
    postgres_url: str, clock: ManualClock, name: str, value: str
) -> None:
    store = await Store.open(postgres_url, clock)
    async with store.write() as tx:
        await tx.flags.set(name, value)
        assert await tx.flags.get(name) == value
    await store.close()


async def test_processes_that_start_at_once_make_the_checkpoints_tables_once(postgres_url: str) -> None:
    assert not await checkpoints_exist(postgres_url)

    async def start() -> None:
        async with open_checkpointer(postgres_url) as saver:
            assert await saver.aget_tuple(THREAD) is None

    await asyncio.gather(*(start() for _ in range(4)))
    assert await checkpoints_exist(postgres_url)


async def test_looking_for_checkpoints_makes_no_tables(postgres_url: str) -> None:
    assert not await checkpoints_exist(postgres_url)
    with psycopg.connect(postgres_url) as connection:
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'checkpoint%'").fetchone()
    assert found == (0,)
