"""The journal survives crashes, damage and its own bounds."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from app.supervisor import journal as journal_module
from app.supervisor.journal import Journal, Standing
from clients.processes.wire import ActionRecord, ActionRequest
from core.clock import ManualClock
from core.errors import StoreUnavailable
from core.models import ActionOutcome, Change, RunState, Window
from tests.supervisor.running import RELEASED, supervising

pytestmark = pytest.mark.slow


def record(clock: ManualClock, key: str = "att_1", outcome: ActionOutcome | None = None) -> ActionRecord:
    request = ActionRequest(key=key, action="restart", process="payment")
    return ActionRecord(request=request, begun_at=clock.now(), outcome=outcome)


def test_all_that_was_added_is_there_after_opening_again(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "journal"
    journal = Journal.open(path, clock.now())
    done = record(clock, outcome=ActionOutcome(ok=True, detail="done"))
    change = Change(service="payment", kind="restart", at=clock.now())
    standing = Standing(process="payment", declared="v1", release="v2", previous="v1")
    for item in (record(clock), done, change, standing):
        journal.add(item)
    clock.advance(60)

    again = Journal.open(path, clock.now())

    window = Window(start=clock.now() - timedelta(hours=1), end=clock.now())
    assert again.record("att_1") == done
    assert again.unfinished() == []
    assert list(again.changes("payment", window)) == [change]
    assert list(again.changes("cart", window)) == []
    assert again.standing("payment") == standing
    assert again.since == journal.since


def test_a_line_that_was_cut_costs_no_other_line(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "journal"
    journal = Journal.open(path, clock.now())
    journal.add(record(clock))
    with path.open("ab") as file:
        file.write(b'\n{"record": {"requ\xff')

    journal.add(record(clock, "att_2"))

    assert [one.request.key for one in Journal.open(path, clock.now()).unfinished()] == ["att_1", "att_2"]


def test_old_records_are_dropped_and_the_journal_says_since_when_it_knows(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "KEPT_RECORDS", 2)
    journal = Journal.open(tmp_path / "journal", clock.now())
    for number in range(4):
        clock.advance(1)
        journal.add(record(clock, f"att_{number}"))

    again = Journal.open(tmp_path / "journal", clock.now())

    assert again.record("att_1") is None
    assert again.record("att_2") is not None
    assert again.since == journal.since + timedelta(seconds=2)


def test_what_cannot_be_written_is_an_error_with_a_fix(tmp_path: Path, clock: ManualClock) -> None:
    with pytest.raises(StoreUnavailable) as raised:
        Journal.open(tmp_path, clock.now())
    assert raised.value.fix


@pytest.mark.parametrize(
    ("action", "target", "happened"), [("restart", "v1", True), ("rollback", "v2", False), ("stop", "v1", False)]
)
async def test_an_action_cut_short_by_the_supervisors_end_is_settled_by_what_runs_now(
    tmp_path: Path, clock: ManualClock, action: str, target: str, happened: bool
) -> None:
    request = ActionRequest(key="att_1", action=action, process="payment")
    journal = Journal.open(tmp_path / "s.journal", clock.now())
    journal.add(ActionRecord(request=request, begun_at=clock.now(), target=target))

    async with supervising(tmp_path, RELEASED) as client:
        outcome = await client.act(request)
        state = await client.state("payment")

    assert outcome.ok is happened
    assert "the supervisor ended meanwhile" in outcome.detail
    assert (state.state, state.restarts) == (RunState.RUNNING, 0), "the same key never acts twice"
