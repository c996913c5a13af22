"""Checkpoints give back what was put in: the type, not a dict that looks like it."""

from __future__ import annotations

import operator
from enum import Enum
from importlib import import_module
from inspect import getmembers, isclass
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated, Any, TypedDict

import aiosqlite
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import END, START, StateGraph

import core.models
from core.errors import StoreCorrupt, StoreUnavailable
from core.models import Attempt, AttemptState, Model, Proposal, Severity
from stores.checkpoints import CHECKPOINTED, open_checkpointer, serializer
from tests.stores.conftest import url_of
from tests.stores.samples import attempt, proposal
from tests.strategies import nouns


def instances(noun: type) -> st.SearchStrategy[Any]:
    return st.sampled_from(noun) if issubclass(noun, Enum) else nouns(noun)


def same(before: Any, after: Any) -> bool:
    return type(after) is type(before) and bool(after == before)


def through(serde: JsonPlusSerializer, value: Any) -> Any:
    return serde.loads_typed(serde.dumps_typed(value))


@pytest.mark.parametrize("noun", CHECKPOINTED, ids=lambda noun: noun.__name__)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_every_noun_comes_back_as_what_it_was(noun: type, data: st.DataObject) -> None:
    value = data.draw(instances(noun))
    assert same(value, through(serializer(), value))


@pytest.mark.parametrize("noun", CHECKPOINTED, ids=lambda noun: noun.__name__)
@settings(max_examples=1, deadline=None)
@given(data=st.data())
def test_a_noun_missing_from_the_list_would_be_noticed(noun: type, data: st.DataObject) -> None:
    without = JsonPlusSerializer(allowed_msgpack_modules=[each for each in CHECKPOINTED if each is not noun])
    value = data.draw(instances(noun))
    assert not same(value, through(without, value))


def test_the_list_holds_every_noun_that_core_defines() -> None:
    modules = [import_module(f"core.models.{each.name}") for each in iter_modules(core.models.__path__)]
    defined = {
        noun
        for module in modules
        for _, noun in getmembers(module, isclass)
        if issubclass(noun, Model | Enum) and noun.__module__ == module.__name__
    }
    assert defined - set(CHECKPOINTED) == set()


class State(TypedDict):
    proposals: Annotated[list[Proposal], operator.add]
    attempt: Attempt
    severities: dict[str, Severity]
    severity: Severity
    note: str
    ratio: float
    count: int
    done: bool


async def test_a_graph_finds_its_state_where_it_was_left(bare_url: str) -> None:
    def act(state: State) -> dict[str, Any]:
        return {"proposals": [proposal(action="start")], "attempt": attempt(state=AttemptState.DONE)}

    builder = StateGraph(State)
    builder.add_node("act", act)
    builder.add_edge(START, "act")
    builder.add_edge("act", END)
    config: Any = {"configurable": {"thread_id": "inc_1"}}
    scalars: dict[str, Any] = {
        "severity": Severity.WARNING,
        "note": "a\0b",
        "ratio": 1e22,
        "count": 2**40,
        "done": True,
    }
    given: Any = {
        "proposals": [proposal()],
        "attempt": attempt(),
        "severities": {"gateway": Severity.CRITICAL},
        **scalars,
    }
    async with open_checkpointer(bare_url) as saver:
        await builder.compile(checkpointer=saver).ainvoke(given, config, durability="sync")
    async with open_checkpointer(bare_url) as saver:
        found = (await builder.compile(checkpointer=saver).aget_state(config)).values

    assert found["proposals"] == [proposal(), proposal(action="start")]
    assert same(attempt(state=AttemptState.DONE), found["attempt"])
    assert same(Severity.CRITICAL, found["severities"]["gateway"])
    for name, value in scalars.items():
        assert same(value, found[name]), name


async def test_checkpoints_survive_a_power_cut(tmp_path: Path) -> None:
    async with open_checkpointer(url_of(tmp_path / "checkpoints.db")) as saver:
        for pragma, expected in {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 10_000}.items():
            async with saver.conn.execute(f"PRAGMA {pragma}") as cursor:
                assert await cursor.fetchone() == (expected,)


async def test_a_damaged_file_is_told_with_a_fix(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.db"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreCorrupt, match="restore a backup"):
        async with open_checkpointer(url_of(path)):
            pass


async def test_a_full_disk_is_told_by_the_run_that_meets_it(tmp_path: Path) -> None:
    config: Any = {"configurable": {"thread_id": "inc_1", "checkpoint_ns": "", "checkpoint_id": "1"}}
    async with open_checkpointer(url_of(tmp_path / "checkpoints.db")) as saver:
        await saver.conn.execute("PRAGMA max_page_count=1")
        with pytest.raises(StoreUnavailable, match="free some space"):
            await saver.aput_writes(config, [("text", "x" * 100_000)], "task")
        with pytest.raises(StoreUnavailable, match="free some space"):
            await saver.aput(config, empty_checkpoint(), {"parents": {"": "x" * 100_000}}, {})


async def test_a_checkpoint_that_is_damaged_later_is_told_by_the_run_that_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.db"
    async with open_checkpointer(url_of(path)) as saver:
        await saver.conn.execute("PRAGMA cache_size=0")
        await saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        path.write_bytes(b"\xff" * path.stat().st_size)
        with pytest.raises(StoreCorrupt, match="restore a backup"):
            await saver.aget_tuple({"configurable": {"thread_id": "inc_1"}})


async def test_a_folder_that_cannot_be_is_told_with_a_fix(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="data_dir"):
        async with open_checkpointer(url_of(tmp_path / "file" / "checkpoints.db")):
            pass


async def test_the_checkpointer_lets_go_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.db"
    async with open_checkpointer(url_of(path)):
        pass
    async with aiosqlite.connect(path) as other:
        await other.execute("BEGIN EXCLUSIVE")
