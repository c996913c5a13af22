"""Online mining: ids as emitted, positions that are learned, bounded memory."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.logs.miner import OVERFLOW, Miner, MinerConfig

ROLES = ["cart", "orders", "payment", "stock", "mail", "search", "login", "admin"]


def test_lines_that_differ_in_parameters_are_one_template_at_once() -> None:
    miner = Miner()
    first = miner.add("order 17 of user anna took 3 ms")
    assert miner.add("order 18 of user bob took 4.5 s") is first
    assert (first.text, first.lines, first.id) == ("order <*> of user <*> took <*>", 2, 1)


def test_a_position_becomes_a_parameter_only_after_several_values() -> None:
    miner = Miner(MinerConfig(distinct_values=4))
    found = [miner.add(f"the cache of {role} was emptied again") for role in ROLES]
    ids = [one.id for one in found]
    assert len(set(ids[:3])) == 3
    assert set(ids[3:]) == {ids[0]}
    assert {miner.resolve(one).id for one in found} == {ids[0]}
    assert miner.resolve(found[2]).text == "the cache of <*> was emptied again"
    assert miner.resolve(found[0]).lines == len(ROLES)
    assert len(miner) == 1


def test_states_stay_apart() -> None:
    miner = Miner()
    states = ["opened", "closed", "reset", "refused"]
    assert len({miner.add(f"the circuit to payment is {state} now").id for state in states}) == len(states)
    assert len({miner.add(f"circuit {role}").id for role in ROLES}) == len(ROLES)


def test_a_word_where_others_have_a_parameter_joins_them() -> None:
    miner = Miner()
    known = miner.add("country code of peer set to 12")
    assert miner.add("country code of peer set to unset") is known


STREAMS = st.lists(
    st.sampled_from([f"{a} {b} {c} done {n}" for a in ROLES for b in "xyz" for c in ROLES[:3] for n in (1, 22)])
)


@given(stream=STREAMS)
def test_the_same_stream_gives_the_same_ids(stream: list[str]) -> None:
    assert [one.id for one in map(Miner().add, stream)] == [one.id for one in map(Miner().add, stream)]


@given(stream=STREAMS, seed=st.integers(0, 9))
def test_renumbering_a_stream_changes_no_id(stream: list[str], seed: int) -> None:
    draw = random.Random(seed)
    other = ["".join(draw.choice("0123456789") if one.isdigit() else one for one in line) for line in stream]
    assert [one.id for one in map(Miner().add, stream)] == [one.id for one in map(Miner().add, other)]


@given(texts=st.lists(st.text(max_size=80), max_size=60), limit=st.integers(1, 8))
def test_any_stream_is_taken_and_stays_within_the_limit(texts: list[str], limit: int) -> None:
    miner = Miner(MinerConfig(max_templates=limit, distinct_values=2))
    found = [miner.add(text) for text in texts]
    assert len(miner) <= max(limit, 1)
    final = {miner.resolve(one).id: miner.resolve(one) for one in found}
    assert all(one.into is None for one in final.values())
    assert sum(one.lines for one in final.values()) == len(texts)


def test_what_is_frequent_survives_a_flood_of_what_is_rare() -> None:
    miner = Miner(MinerConfig(max_templates=20))
    known = [miner.add(f"{role} answers") for role in ROLES for _ in range(5)]
    draw = random.Random(1)
    rare = [miner.add("".join(draw.choices("abcdefgh ", k=40))) for _ in range(500)]
    assert all(miner.resolve(one) is one for one in known)
    assert miner.resolve(rare[0]).text == OVERFLOW
    assert len(miner) <= 20


@pytest.mark.timeout(120)
def test_hostile_streams_cost_bounded_memory_and_time() -> None:
    miner = Miner(MinerConfig(max_templates=200))
    draw = random.Random(2)
    for number in range(3000):
        miner.add(" ".join("".join(draw.choices("abcdefghij", k=5)) for _ in range(12)))
        miner.add(f"{number}" + "\x00\ufffd{" * 3000)
    assert len(miner) <= 200
    assert sum(len(patterns) for patterns in miner._candidates.values()) <= 200 * miner.config.max_words
    assert sum(map(len, miner._shapes)) <= 4_000_000


def test_a_trace_in_one_line_is_keyed_by_type_and_frames() -> None:
    miner = Miner()
    text = "order {} failed: java.lang.IllegalStateException: no {} at s.Cart.add(Cart.java:{}) at s.Web.b(Web.java:9)"
    assert miner.add(text.format(1, "stock", 10)).id == miner.add(text.format(2, "money", 11)).id
    assert miner.add(text.format(3, "x", 12)).text == "java.lang.IllegalStateException at s.Cart.add < s.Web.b"
