"""Runs a recorded incident again, without any source, and says what differs."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from langgraph.checkpoint.memory import InMemorySaver

from clients.recorded import RecordedActuator, RecordedLogs, RecordedMetrics
from core.clock import ManualClock
from core.errors import BundleError
from core.models import (
    ApprovalState,
    Attempt,
    Decision,
    Incident,
    IncidentStatus,
    Model,
    Proposal,
    Recovery,
    Verdict,
    Verification,
)
from core.ports import NullKnowledge
from graphs.bundle import Bundle
from graphs.context import IncidentContext, NoNotifier
from graphs.incident import build_incident_graph
from graphs.run_settings import RunSettings
from graphs.runner import IncidentRunner, RunResult
from remediation.guardrails import judge
from stores.checkpoints import serializer
from stores.leases import Lease
from stores.migrate import upgrade
from stores.store import Store
from tools.inventory import Inventory
from tools.sources import Sources

LEASE_SECONDS = 86_400.0
"""Nobody else can want a replay's incident."""


class Difference(Model):
    """One answer that came out another way."""

    what: str
    recorded: str
    replayed: str


class Replay(Model):
    """What a replay shows."""

    incident: str
    compared: int
    same: bool
    differences: tuple[Difference, ...] = ()
    diagnosis: str = ""


class RecordedRemedy:
    """Verdicts from the recorded facts by today's rules; attempts and verifications as they were."""

    def __init__(self, bundle: Bundle) -> None:
        self._attempts = {(a.proposal_hash, bool(a.undo_of)): a for a in bundle.attempts}
        verdicts: dict[str, list[Verdict]] = defaultdict(list)
        for decision in bundle.decisions:
            if decision.agent == "guard":
                verdict = Verdict.model_validate_json(decision.result)
                verdicts[verdict.proposal_hash].append(verdict)
        self._verdicts: dict[str, Iterator[Verdict]] = {key: iter(value) for key, value in verdicts.items()}

    async def judge(self, incident: Incident, proposal: Proposal, undo_of: Attempt | None = None) -> Verdict:
        """Today's rules on the recorded facts.

        Raises:
            BundleError: nobody judged this proposal when the incident was live.
        """
        recorded = next(self._verdicts.get(proposal.hash, iter(())), None)
        if recorded is None:
            raise BundleError(
                f"the record ends before a verdict on {proposal.action} {proposal.service}",
                fix="the plan differs from the recorded one; compare the diagnoses",
            )
        return judge(proposal, recorded.facts)

    async def act(self, incident: Incident, proposal: Proposal, lease: Lease, undo_of: str = "") -> Attempt:
        """What happened then.

        Raises:
            BundleError: the action was never carried out.
        """
        attempt = self._attempts.get((proposal.hash, bool(undo_of)))
        if attempt is None:
            raise BundleError(
                f"the record has no attempt of {proposal.action} {proposal.service}",
                fix="today's rules allow what was not done then; compare the verdicts",
            )
        return attempt

    async def verify(self, incident: Incident, attempt: Attempt) -> Verification:
        """What the metrics said then."""
        if attempt.verification is not None:
            return attempt.verification
        return Verification(recovery=Recovery.UNREADABLE, seconds=0.0, detail="the record ends before the verification")


async def replay(bundle: Bundle) -> Replay:
    """Run the recorded incident through today's graph.

    Raises:
        BundleError: the bundle lacks what a run needs, or today's run asks for what was never recorded.
    """
    with tempfile.TemporaryDirectory(prefix="quell-replay-") as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'replay.db'}"
        await upgrade(url)
        incident = bundle.incident
        clock = ManualClock(incident.investigated_at or incident.opened_at)
        store = await Store.open(url, clock)
        try:
            await _seed(store, bundle)
            await _run(store, bundle, clock)
            return await _compare(store, bundle)
        finally:
            await store.close()


async def _seed(store: Store, bundle: Bundle) -> None:
    incident = bundle.incident.model_copy(
        update={
            "status": IncidentStatus.OPEN,
            "cause_service": "",
            "cause_kind": None,
            "confidence": None,
            "outcome": "",
            "ended_at": None,
            "stop_requested": False,
        }
    )
    async with store.write() as tx:
        await tx.incidents.add(incident)
        for alert in bundle.alerts:
            await tx.alerts.save(alert, incident.id)


async def _run(store: Store, bundle: Bundle, clock: ManualClock) -> None:
    look_up = bundle.look_up()
    settings = await RunSettings.recorded(look_up)
    incident_id = bundle.incident.id
    actuator = RecordedActuator(look_up, now=clock.now())
    sources = Sources(RecordedMetrics(look_up), RecordedLogs(look_up), (actuator,))

    def make_context(lease: Lease) -> IncidentContext:
        return IncidentContext(
            store=store,
            clock=clock,
            inventory=Inventory(settings.services),
            sources=Sources(
                RecordedMetrics(look_up), RecordedLogs(look_up), (RecordedActuator(look_up, now=clock.now()),)
            ),
            signals=settings.signals,
            analysis=settings.analysis,
            knowledge=NullKnowledge(),
            ladder=settings.ladder,
            remedy=RecordedRemedy(bundle),
            lease=lease,
            notifier=NoNotifier(),
            max_rounds=settings.max_rounds,
        )

    graph = build_incident_graph(InMemorySaver(serde=serializer()))
    runner = IncidentRunner(graph, make_context)
    async with store.write() as tx:
        lease = await tx.leases.acquire(incident_id, "replay", LEASE_SECONDS)
    if lease is None:
        raise BundleError("the replay cannot own its incident", fix="report this: it cannot happen")
    while await runner.run(incident_id, lease) is RunResult.WAITING:
        if not await _answer_as_recorded(store, bundle):
            return


async def _answer_as_recorded(store: Store, bundle: Bundle) -> bool:
    """Decide the pending approvals as the human did; False when nobody had answered."""
    recorded = {approval.id: approval for approval in bundle.approvals}
    answered = False
    async with store.write() as tx:
        for approval in await tx.approvals.find(state=ApprovalState.PENDING):
            then = recorded.get(approval.id)
            if then is not None and then.state is not ApprovalState.PENDING:
                await tx.approvals.decide(approval.id, then.state, then.decided_by, then.note)
                answered = True
    return answered


async def _compare(store: Store, bundle: Bundle) -> Replay:
    async with store.read() as tx:
        incident = await tx.incidents.get(bundle.incident.id)
        decisions = await tx.decisions.of_incident(bundle.incident.id)
    then, now = _results(bundle.decisions), _results(decisions)
    keys = dict.fromkeys((*then, *now))
    pairs = [(" ".join(key), then.get(key, "(none)"), now.get(key, "(none)")) for key in keys]
    pairs.append(("outcome", bundle.incident.outcome, incident.outcome))
    differences = tuple(
        Difference(what=what, recorded=recorded, replayed=replayed)
        for what, recorded, replayed in pairs
        if recorded != replayed
    )
    diagnosis = next((result for (agent, _), result in now.items() if agent == "rca"), "")
    return Replay(
        incident=incident.id,
        compared=len(pairs),
        same=not differences,
        differences=differences,
        diagnosis=diagnosis,
    )


def _results(decisions: Sequence[Decision]) -> dict[tuple[str, str], str]:
    """Results by agent and turn; a verdict that a crashed run repeated counts once."""
    found: dict[tuple[str, str], str] = {}
    turns: dict[str, int] = defaultdict(int)
    for decision in decisions:
        found[(decision.agent, str(turns[decision.agent]))] = decision.result
        turns[decision.agent] += 1
    return found
