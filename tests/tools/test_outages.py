"""Outages on a timeline: each has a start and an end, both told once, whoever asks and however often."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.clock import ManualClock
from core.models import TimelineEntry
from stores.store import Store
from tests.stores.samples import NOON, incident
from tools.outages import Answer, news, tell_changes


def played(answers: list[tuple[str, str]]) -> list[TimelineEntry]:
    """The timeline after (source, error) of one answer a second."""
    told: list[TimelineEntry] = []
    for second, (source, error) in enumerate(answers):
        told += [entry for entry, _ in news(told, [Answer(source, error)], NOON + timedelta(seconds=second))]
    return told


def test_start_and_end_are_told_once_each() -> None:
    told = played(
        [("loki", ""), ("loki", "refused"), ("loki", "refused"), ("loki", "late"), ("loki", ""), ("loki", "")]
    )
    assert [entry.text for entry in told] == ["loki: refused", "loki: late", "loki answers again after 3.0 s"]


def test_a_second_outage_is_another_one_though_it_says_the_same() -> None:
    told = played([("loki", "refused"), ("loki", ""), ("loki", "refused"), ("loki", "")])
    assert len(told) == 4


def test_an_answer_beside_a_failure_ends_nothing() -> None:
    told = played([("loki", "refused")])
    assert news(told, [Answer("loki"), Answer("loki", "refused")], NOON) == []


@given(st.lists(st.tuples(st.sampled_from(["loki", "docker"]), st.sampled_from(["", "refused", "late"]))))
def test_every_end_has_a_start_and_no_source_hides_another(answers: list[tuple[str, str]]) -> None:
    together = played(answers)
    for source in ("loki", "docker"):
        mine = [entry for entry in together if entry.data["source"] == source]
        alone = played([each if each[0] == source else ("other", "") for each in answers])
        assert [(entry.at, entry.text) for entry in mine] == [(entry.at, entry.text) for entry in alone]
        lasting = False
        for entry in mine:
            ends = "seconds" in entry.data
            assert lasting or not ends
            lasting = not ends


async def test_two_quells_that_see_the_same_tell_it_once(store: Store, clock: ManualClock) -> None:
    async with store.write() as tx:
        await tx.incidents.add(incident("inc_1"))
    for error in ("refused", "refused", "", ""):
        for _ in range(2):
            await tell_changes(store, "inc_1", [Answer("docker", error)], clock.now())
        clock.advance(2)
    async with store.read() as tx:
        told = [entry.text for entry in await tx.timeline.of_incident("inc_1")]
    assert told == ["docker: refused", "docker answers again after 4.0 s"]
