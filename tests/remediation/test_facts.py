"""The facts of the guard, as they are read from a real store."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.clock import ManualClock
from core.models import (
    Approval,
    ApprovalState,
    Attempt,
    AttemptState,
    Autonomy,
    AutonomyRule,
    Digest,
    Effect,
    Evidence,
    EvidenceKind,
    GuardFacts,
    Severity,
    Window,
)
from remediation.facts import KILL_SWITCH, GuardSettings, read_facts
from remediation.policy import ActionPolicy, PolicyRule
from stores.store import Store
from tests.remediation.actor import CountingActuator
from tests.stores.samples import attempt, incident, proposal
from tests.tools.world import NOON, Logs, Metrics, service
from tools.inventory import Inventory
from tools.sources import Sources

RESTART = proposal()
POLICY = ActionPolicy(rules=(PolicyRule(name="all", effect=Effect.ALLOW),), cooldown_seconds=60)


def settings(*, actuators: bool = True, **of_payment: Any) -> GuardSettings:
    services = [service("gateway", "orders"), service("orders", "payment"), service("payment", **of_payment)]
    sources = Sources(Metrics(), Logs(), (CountingActuator(),) if actuators else ())
    return GuardSettings(Inventory(services), sources, POLICY, Autonomy.ACT)


@pytest.fixture
async def opened(store: Store) -> Store:
    """A store that knows the incident."""
    async with store.write() as tx:
        await tx.incidents.add(incident())
        await tx.incidents.add(incident("inc_2"))
    return store


async def facts(store: Store, given: GuardSettings | None = None, **asked: Any) -> GuardFacts:
    what = asked.pop("of", RESTART)
    which = asked.pop("incident", incident())
    async with store.read() as tx:
        return await read_facts(tx, given or settings(), which, what, **{"now": NOON, "still_anomalous": True, **asked})


async def reserve(store: Store, *attempts: Attempt) -> None:
    """Attempts end before the next is reserved, as the lock of the service demands."""
    for each in attempts:
        async with store.write() as tx:
            await tx.attempts.reserve(each.model_copy(update={"state": AttemptState.RESERVED}))
            await tx.attempts.update(each.id, state=each.state)


def done(identity: str, *, minutes_ago: float, **fields: Any) -> Attempt:
    at = NOON - timedelta(minutes=minutes_ago)
    return attempt(identity, **{"state": AttemptState.DONE, "reserved_at": at, **fields})


async def test_nothing_has_happened_yet(opened: Store) -> None:
    read = await facts(opened)
    assert (read.actions_last_hour, read.attempts_this_incident, read.seconds_since_last_action) == (0, 0, None)
    assert (read.policy_effect, read.policy_rule) == (Effect.ALLOW, "all")
    assert (read.target_resolved, read.protected, read.kill_switch, read.approved) == (True, False, False, None)
    assert read.blast_radius == 2
    assert read.max_actions_per_hour == 3


async def test_actions_on_the_service_and_attempts_of_the_incident_are_counted_apart(opened: Store) -> None:
    rollback, stop = proposal(action="rollback"), proposal(action="stop")
    await reserve(
        opened,
        done("old", minutes_ago=61),
        done("other", minutes_ago=30, incident_id="inc_2"),
        done("own", minutes_ago=2, of=rollback),
        done("undo", minutes_ago=1, of=rollback, undo_of="own"),
        done("dry", minutes_ago=1, of=stop, dry_run=True),
    )
    read = await facts(opened)
    assert read.actions_last_hour == 2
    assert read.attempts_this_incident == 2
    assert read.seconds_since_last_action == 120
    assert read.same_action_tried


@pytest.mark.parametrize(
    ("state", "failed"),
    [(AttemptState.DONE, False), (AttemptState.FAILED, True), (AttemptState.UNKNOWN, True)],
)
async def test_the_last_action_on_the_service_may_have_failed(opened: Store, state: AttemptState, failed: bool) -> None:
    await reserve(opened, done("first", minutes_ago=5), done("last", minutes_ago=2, state=state, incident_id="inc_2"))
    assert (await facts(opened)).last_action_failed is failed


async def test_the_kill_switch_is_read(opened: Store) -> None:
    async with opened.write() as tx:
        await tx.flags.set(KILL_SWITCH, "on")
    assert (await facts(opened)).kill_switch
    async with opened.write() as tx:
        await tx.flags.set(KILL_SWITCH, "")
    assert not (await facts(opened)).kill_switch


async def test_a_target_needs_a_service_and_an_actuator(opened: Store) -> None:
    unknown = await facts(opened, of=proposal("nobody"))
    assert (unknown.target_resolved, unknown.protected, unknown.autonomy) == (False, True, Autonomy.OBSERVE)
    assert unknown.policy_effect is Effect.DENY
    assert not (await facts(opened, settings(actuators=False))).target_resolved


@pytest.mark.parametrize(
    ("of_incident", "of_target", "bound"),
    [
        (Autonomy.ACT, Autonomy.ACT, Autonomy.ACT),
        (Autonomy.ACT, Autonomy.PROPOSE, Autonomy.PROPOSE),
        (Autonomy.OBSERVE, Autonomy.ACT, Autonomy.OBSERVE),
        (Autonomy.PROPOSE, Autonomy.OBSERVE, Autonomy.OBSERVE),
    ],
)
async def test_the_narrower_autonomy_bounds_the_run(
    opened: Store, of_incident: Autonomy, of_target: Autonomy, bound: Autonomy
) -> None:
    given = settings(autonomy=AutonomyRule(by_severity={Severity.CRITICAL: of_target}))
    assert (await facts(opened, given, incident=incident(autonomy=of_incident))).autonomy is bound


@pytest.mark.parametrize(
    ("state", "approved"),
    [
        (ApprovalState.PENDING, None),
        (ApprovalState.EXPIRED, None),
        (ApprovalState.APPROVED, True),
        (ApprovalState.REJECTED, False),
    ],
)
async def test_a_human_answer_counts_for_the_proposal_and_its_undo(
    opened: Store, state: ApprovalState, approved: bool | None
) -> None:
    async with opened.write() as tx:
        await tx.approvals.request(
            Approval(
                id="appr_1",
                incident_id="inc_1",
                proposal=RESTART,
                proposal_hash=RESTART.hash,
                state=state,
                requested_at=NOON,
            )
        )
    assert (await facts(opened)).approved is approved
    assert (await facts(opened, of=proposal(action="stop"))).approved is None
    undo = await facts(opened, of=proposal(action="stop"), undo_of=attempt())
    assert (undo.approved, undo.undo) == (approved, True)


async def test_the_age_of_the_youngest_cited_evidence(opened: Store, clock: ManualClock) -> None:
    async with opened.write() as tx:
        for identity, minutes_ago in (("ev_old", 20), ("ev_new", 3), ("ev_uncited", 0)):
            end = NOON - timedelta(minutes=minutes_ago)
            await tx.evidence.add(
                Evidence(
                    id=identity,
                    incident_id="inc_1",
                    kind=EvidenceKind.METRIC,
                    tool="metric_digest",
                    source="memory",
                    query="{}",
                    window=Window(start=end - timedelta(minutes=1), end=end),
                    subject="payment",
                    digest=Digest(summary=""),
                )
            )
    cited = RESTART.model_copy(update={"evidence": ("ev_old", "ev_new")})
    assert (await facts(opened, of=cited)).evidence_age_seconds == 180
    late = NOON + timedelta(minutes=10)
    assert (await facts(opened, now=late)).evidence_age_seconds == 600
