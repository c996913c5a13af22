"""Several writers on one database: tasks of one process, and processes."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.spending import Period
from stores.migrate import check, status, upgrade
from stores.store import Store
from tests.stores.samples import incident
from tests.stores.writer import ROUNDS, SHARED_CAPS

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def writer(work: str, url: str, name: str = "") -> AsyncIterator[asyncio.subprocess.Process]:
    """A writing process that does not outlive the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.stores.writer", work, url, name, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.slow
async def test_two_processes_and_this_one_write_to_one_database(url: str) -> None:
    store = await Store.open(url, SystemClock())
    async with store.write() as tx:
        await tx.incidents.add(incident())
    async with writer("compete", url, "ada") as ada, writer("compete", url, "bob") as bob:
        await asyncio.gather(*(append(store, number) for number in range(ROUNDS)))
        ends = [json.loads((await each.communicate())[0].splitlines()[-1]) for each in (ada, bob)]
    async with store.read() as tx:
        report = await tx.audit.verify()
        unfinished = await tx.attempts.unfinished()
    await store.close()

    assert (report.ok, report.entries) == (True, 3 * ROUNDS)
    tokens = [token for end in ends for token in end["tokens"]]
    assert sorted(tokens) == list(range(1, len(tokens) + 1))
    assert sorted(end["reserved"] for end in ends) == [False, True]
    assert len(unfinished) == 1


@pytest.mark.slow
async def test_two_processes_share_an_inbox_and_open_one_incident(url: str) -> None:
    """Alerts that belong together meet in one incident, whichever process takes which of them in."""
    store = await Store.open(url, SystemClock())
    async with store.write() as tx:
        for number in range(ROUNDS):
            await tx.inbox.add("alertmanager", notification(f"fp_{number}"))
    async with writer("drain", url, "ada") as ada, writer("drain", url, "bob") as bob:
        ends = [json.loads((await each.communicate())[0].splitlines()[-1]) for each in (ada, bob)]
    async with store.read() as tx:
        counts = await tx.inbox.counts()
        [incident_found] = await tx.incidents.find()
        alerts = await tx.alerts.of_incident(incident_found.id)
    await store.close()
    assert (counts["done"], counts["failed"], counts["pending"]) == (ROUNDS, 0, 0)
    assert [opened for end in ends for opened in end["opened"]] == [incident_found.id]
    assert len(alerts) == ROUNDS


@pytest.mark.slow
async def test_processes_share_one_budget(url: str) -> None:
    async with writer("spend", url, "ada") as ada, writer("spend", url, "bob") as bob:
        ends = [json.loads((await each.communicate())[0].splitlines()[-1]) for each in (ada, bob)]
    store = await Store.open(url, SystemClock())
    async with store.read() as tx:
        spent = (await tx.spending.spent())[Period.HOUR]
    await store.close()
    assert spent == pytest.approx(sum(end["taken"] for end in ends))
    assert SHARED_CAPS.hour_usd - 0.01 < spent <= SHARED_CAPS.hour_usd


def notification(fingerprint: str) -> bytes:
    labels = {"alertname": "HighErrorRate", "severity": "critical"}
    firing = {
        "status": "firing",
        "labels": labels,
        "annotations": {},
        "startsAt": "2026-03-03T12:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": fingerprint,
    }
    frame = {"version": "4", "status": "firing", "receiver": "quell", "groupKey": "{}", "externalURL": ""}
    common = {"groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}}
    return json.dumps({**frame, **common, "alerts": [firing]}).encode()


async def append(store: Store, number: int) -> None:
    async with store.write() as tx:
        await tx.audit.append("here", "count", str(number), {})


@pytest.mark.slow
async def test_a_killed_writer_leaves_what_it_committed_and_no_lock(url: str) -> None:
    async with writer("hang", url, "ada") as process:
        assert process.stdout
        assert await process.stdout.readline() == b"hanging\n"
        process.kill()
    store = await Store.open(url, SystemClock())
    async with store.write() as tx:
        assert [each.action for each in await tx.audit.entries()] == ["kept"]
        await tx.audit.append("here", "next", "", {})
        assert (await tx.audit.verify()).ok
    await store.close()


@pytest.mark.slow
async def test_processes_that_migrate_at_once_wait_for_each_other(bare_url: str) -> None:
    async with writer("migrate", bare_url) as one, writer("migrate", bare_url) as two:
        await upgrade(bare_url)
        assert [await one.wait(), await two.wait()] == [0, 0]
    await check(bare_url)
    current, head = await status(bare_url)
    assert current == head


async def test_many_tasks_write_and_read_without_losing_anything(store: Store) -> None:
    async def post(number: int) -> None:
        async with store.write() as tx:
            await tx.inbox.add("alertmanager", str(number).encode())
        async with store.read() as tx:
            assert (await tx.inbox.counts())["pending"] > 0

    await asyncio.gather(*(post(number) for number in range(100)))
    async with store.read() as tx:
        assert {int(each.body) for each in await tx.inbox.pending(1000)} == set(range(100))


async def test_a_reader_sees_one_state_while_others_write(store: Store) -> None:
    async with store.read() as reader:
        before = await reader.audit.head()
        await append(store, 1)
        assert await reader.audit.entries() == []
        assert await reader.audit.head() == before
    async with store.read() as reader:
        assert len(await reader.audit.entries()) == 1


async def test_a_cancelled_writer_keeps_nothing_and_blocks_nobody(store: Store) -> None:
    wrote = asyncio.Event()

    async def never_ends() -> None:
        async with store.write() as tx:
            await tx.audit.append("here", "lost", "", {})
            wrote.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(never_ends())
    await wrote.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await append(store, 1)
    async with store.read() as tx:
        assert [each.action for each in await tx.audit.entries()] == ["count"]
