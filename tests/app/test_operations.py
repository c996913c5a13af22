"""What users can ask for does the same on the store and over the wire."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from agents.summaries.text import TextKind
from app.operations.actions import list_actions
from app.operations.alerts import list_alerts, synthetic_alert
from app.operations.approvals import approve, list_approvals, reject
from app.operations.audit import show_audit, verify_audit
from app.operations.calibration import calibrate
from app.operations.changes import list_changes, report_changes
from app.operations.context import Context
from app.operations.costs import show_costs
from app.operations.incidents import (
    acknowledge_incident,
    close_incident,
    list_incidents,
    show_incident,
    stop_incident,
)
from app.operations.local import Local
from app.operations.operation import Operation
from app.operations.policy import resume_actions, show_policy, stop_all_actions
from app.operations.registry import OPERATIONS
from app.operations.remote import Remote
from app.operations.services import explain_labels, list_services
from app.operations.summaries import summarise_incident
from core.changes import MAX_TEXT_CHARACTERS, ChangeKind, ReportedChange
from core.errors import (
    BundleError,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    QuellError,
    SourceUnavailable,
    UsageError,
)
from core.models import ApprovalState, IncidentStatus, Judgement, Severity
from core.spending import CostBy
from events.alertmanager import parse
from graphs.bundle import read_bundle
from tests.app.conftest import TOKEN
from tests.stores.samples import NOON

CALLS: list[tuple[Operation[..., Any], dict[str, Any]]] = [
    (list_incidents, {"status": [IncidentStatus.RESOLVED], "service": None, "limit": 5}),
    (show_incident, {"incident_id": "inc_1"}),
    (list_approvals, {"state": ApprovalState.PENDING}),
    (list_actions, {"incident": "inc_1"}),
    (show_audit, {"after": 0, "limit": 1}),
    (verify_audit, {}),
    (list_services, {}),
    (explain_labels, {"labels": {"service": "gateway"}}),
    (show_policy, {}),
    (acknowledge_incident, {"incident_id": "inc_1", "by": "ann"}),
    (stop_incident, {"incident_id": "inc_1", "by": "ann"}),
    (close_incident, {"incident_id": "inc_2", "judged": Judgement.FALSE_ALARM, "by": "ann"}),
    (summarise_incident, {"incident_id": "inc_1", "kind": TextKind.POSTMORTEM, "ask_models": False, "by": "ada"}),
    (approve, {"approval_id": "inc_1", "by": "ann", "note": "go"}),
    (stop_all_actions, {"by": "ann", "reason": "drill"}),
    (resume_actions, {"by": "ann"}),
    (list_alerts, {"service": "payment"}),
    (calibrate, {"dry_run": False, "by": "ann"}),
    (report_changes, {"changes": [ReportedChange(service="payment", kind=ChangeKind.DEPLOY, at=NOON, after="2")]}),
    (list_changes, {"service": "payment", "limit": 5}),
    (show_costs, {"by": CostBy.SERVICE, "since": NOON, "limit": 5}),
]


@pytest.fixture
async def remote(api: FastAPI) -> AsyncIterator[Remote]:
    async with Remote("http://quell", TOKEN, transport=httpx.ASGITransport(api)) as opened:
        yield opened


@pytest.mark.parametrize(("operation", "arguments"), CALLS, ids=lambda value: getattr(value, "name", ""))
async def test_store_and_server_answer_the_same(
    populated: Context, remote: Remote, operation: Operation[..., Any], arguments: dict[str, Any]
) -> None:
    there = await remote.call(operation, **arguments)
    if operation.method == "GET":
        assert await Local(populated).call(operation, **arguments) == there
    assert type(there) is operation.output


def test_every_operation_is_called_above_or_needs_another_state() -> None:
    assert {each.name for each in OPERATIONS} - {operation.name for operation, _ in CALLS} == {reject.name}


async def test_a_refusal_arrives_as_the_error_that_it_was(populated: Context, remote: Remote) -> None:
    cases: list[tuple[Operation[..., Any], dict[str, Any], type[QuellError]]] = [
        (show_incident, {"incident_id": "inc_9"}, NotFound),
        (show_incident, {"incident_id": "../approvals"}, NotFound),
        (close_incident, {"incident_id": "inc_1", "judged": Judgement.REAL}, Conflict),
        (stop_incident, {"incident_id": "inc_2"}, Conflict),
        (list_incidents, {"limit": 0}, InvalidInput),
    ]
    for operation, arguments, expected in cases:
        with pytest.raises(expected) as there:
            await remote.call(operation, **arguments)
        assert there.value.fix
        if expected is not InvalidInput:
            with pytest.raises(expected) as here:
                await Local(populated).call(operation, **arguments)
            if "/" not in str(arguments):
                assert str(here.value) == str(there.value)


async def test_a_wrong_token_and_a_server_that_is_none(api: FastAPI) -> None:
    async with Remote("http://quell", "wrong", transport=httpx.ASGITransport(api)) as remote:
        with pytest.raises(Forbidden, match="token") as refused:
            await remote.call(list_services)
        assert "QUELL_SERVER__TOKEN" in refused.value.fix, "what a user sets, not the header that a program sends"
    async with Remote("http://127.0.0.1:1", "") as remote:
        with pytest.raises(SourceUnavailable, match="does not answer"):
            await remote.call(list_services)
    with pytest.raises(UsageError, match="not an address"):
        Remote("localhost:8420", "")
    for answer in (
        httpx.Response(200, text="<html>"),
        httpx.Response(502, text="<html>"),
        httpx.Response(500, json=[]),
    ):
        other = httpx.MockTransport(lambda _, answer=answer: answer)  # type: ignore[misc]  # bound now
        async with Remote("http://other", "", transport=other) as remote:
            with pytest.raises(QuellError) as told:
                await remote.call(list_services)
            assert told.value.fix


async def test_closing_needs_an_end_and_can_be_corrected(populated: Context) -> None:
    local = Local(populated)
    closed = await local.call(close_incident, incident_id="inc_2", judged=Judgement.REAL, by="ann")
    assert (closed.status, closed.judged, closed.ended_at) == (IncidentStatus.CLOSED, Judgement.REAL, NOON)
    corrected = await local.call(close_incident, incident_id="inc_2", judged=Judgement.FALSE_ALARM, by="bob")
    assert corrected.judged is Judgement.FALSE_ALARM
    detail = await local.call(show_incident, incident_id="inc_2")
    assert [entry.text for entry in detail.timeline] == ["closed by ann as real", "closed by bob as false-alarm"]


async def test_what_humans_do_is_audited_once(populated: Context) -> None:
    local = Local(populated)
    for _ in range(2):
        await local.call(acknowledge_incident, incident_id="inc_1", by="ann")
        await local.call(stop_incident, incident_id="inc_1", by="ann")
    page = await local.call(show_audit, incident="inc_1")
    assert [(each.actor, each.action) for each in page.entries][-2:] == [
        ("ann", "incident.acknowledge"),
        ("ann", "incident.stop"),
    ]
    assert (await local.call(verify_audit)).ok
    assert (await local.call(show_incident, incident_id="inc_1")).incident.stop_requested


async def test_pages_of_the_audit_trail_follow_each_other(populated: Context) -> None:
    local = Local(populated)
    for reason in ("a", "b", "c"):
        await local.call(stop_all_actions, by="ann", reason=reason)
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page = await local.call(show_audit, after=after, limit=2)
        seen += [entry.sequence for entry in page.entries]
        after = page.next_after
    assert seen == [1, 2, 3, 4]


async def test_the_kill_switch_is_seen_by_the_guard(populated: Context) -> None:
    from remediation.facts import kill_switch_on

    local = Local(populated)
    assert (await local.call(stop_all_actions, by="ann")).stopped
    async with populated.store.read() as tx:
        assert await kill_switch_on(tx)
    assert not (await local.call(resume_actions, by="ann")).stopped
    async with populated.store.read() as tx:
        assert not await kill_switch_on(tx)


async def test_labels_without_a_service_are_explained(populated: Context) -> None:
    found = await Local(populated).call(explain_labels, labels={"job": "nobody"})
    assert found.service is None
    assert found.resolution.reason


async def test_a_synthetic_alert_and_its_end_are_the_same_alert(populated: Context, remote: Remote) -> None:
    begin, end = (
        synthetic_alert("A", "gateway", Severity.CRITICAL, resolved=resolved, summary="s", at=NOON)
        for resolved in (False, True)
    )
    assert parse(begin)[0].fingerprint == parse(end)[0].fingerprint
    assert (await Local(populated).send_alerts(begin)).accepted == 1
    assert (await remote.send_alerts(end)).accepted == 1


async def test_a_bundle_is_the_same_from_store_and_server(populated: Context, remote: Remote, tmp_path: Path) -> None:
    here = await Local(populated).export("inc_1", tmp_path / "here")
    there = await remote.export("inc_1", tmp_path / "there")
    assert read_bundle(Path(here.path)) == read_bundle(Path(there.path))
    with pytest.raises(BundleError, match="not empty"):
        await remote.export("inc_1", tmp_path / "there")
    shutil.rmtree(tmp_path / "there")
    with pytest.raises(NotFound):
        await remote.export("inc_9", tmp_path / "there")


async def test_a_change_is_kept_once_cleaned_and_told_back(populated: Context) -> None:
    change = ReportedChange(
        service="payment",
        kind=ChangeKind.DEPLOY,
        at=NOON,
        after="v2",
        reference="abcdef1",
        diff="+password=hunter2\n" + "+x\n" * 20_000,
    )
    here = Local(populated)
    first = await here.call(report_changes, changes=[change, change])
    again = await here.call(report_changes, changes=[change])
    assert ((first.kept, first.known), (again.kept, again.known)) == ((1, 1), (0, 1))
    (kept,) = (await here.call(list_changes)).changes
    assert (kept.at, kept.after, kept.source) == (NOON, "v2", "report")
    assert "hunter2" not in kept.text
    assert len(kept.text) == MAX_TEXT_CHARACTERS


async def test_a_change_without_a_time_counts_from_now_and_unknown_services_are_told(populated: Context) -> None:
    here = Local(populated)
    flag = ReportedChange(service="elsewhere", kind=ChangeKind.FLAG, reference="new_cart")
    assert (await here.call(report_changes, changes=[flag])).unknown_services == ("elsewhere",)
    (kept,) = (await here.call(list_changes, service="elsewhere")).changes
    assert kept.at == populated.clock.now()


async def test_only_a_commit_may_leave_its_service_to_a_deploy(populated: Context) -> None:
    here = Local(populated)
    assert (await here.call(report_changes, changes=[ReportedChange(kind=ChangeKind.COMMIT, reference="a" * 40)])).kept
    with pytest.raises(InvalidInput):
        await here.call(report_changes, changes=[ReportedChange(kind=ChangeKind.DEPLOY, after="v2")])
