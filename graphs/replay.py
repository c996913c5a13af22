"""Runs a recorded incident again, without any source, and says what differs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from clients.models.recorded import RecordedModel
from clients.recorded import (
    TRACES,
    RecordedActuator,
    RecordedBaselines,
    RecordedChanges,
    RecordedLogs,
    RecordedMetrics,
    RecordedTemplates,
    RecordedTraces,
)
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
from graphs.beginning import Beginning
from graphs.bundle import Bundle
from graphs.context import IncidentContext, NoNotifier, Remedy
from graphs.run_settings import RunSettings
from graphs.runner import RunResult
from graphs.scratch import scratch_runner, scratch_store
from remediation.guardrails import judge
from stores.leases import Lease
from stores.store import Store
from tools.inventory import Inventory
from tools.sources import Sources


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


def reopened(bundle: Bundle) -> tuple[Beginning, ManualClock]:
    """Incident and alerts as they were before anything was known of it, and a clock that stands at its investigation.

    Raises:
        BundleError: the beginning was recorded by another version.
    """
    cleared = {
        "status": IncidentStatus.OPEN,
        "cause_service": "",
        "cause_kind": None,
        "confidence": None,
        "rung": "",
        "outcome": "",
        "ended_at": None,
        "stop_requested": False,
    }
    recorded = Beginning.recorded(bundle)
    incident = recorded.incident.model_copy(update=cleared)
    began = recorded.model_copy(update={"incident": incident})
    return began, ManualClock(incident.investigated_at or incident.opened_at)


async def offline(bundle: Bundle, clock: ManualClock, remedy: Remedy) -> Callable[[Store, Lease], IncidentContext]:
    """Contexts in which the bundle stands behind every port, with the settings of the recorded run.

    Raises:
        BundleError: the record ends before the investigation, or is of another version.
    """
    look_up = bundle.look_up()
    settings = await RunSettings.recorded(look_up)
    actuator = RecordedActuator(look_up, now=clock.now())
    # A run that had no trace source asked for no spans, and does not now.
    traced = any(call.port == TRACES for call in bundle.recordings)
    traces = RecordedTraces(look_up) if traced else None

    def make_context(store: Store, lease: Lease) -> IncidentContext:
        return IncidentContext(
            store=store,
            clock=clock,
            inventory=Inventory(settings.services),
            sources=Sources(
                metrics=RecordedMetrics(look_up),
                logs=RecordedLogs(look_up),
                actuators=(actuator,),
                traces=traces,
                baselines=RecordedBaselines(look_up),
                changes=RecordedChanges(look_up),
                templates=RecordedTemplates(look_up),
            ),
            signals=settings.signals,
            analysis=settings.analysis,
            knowledge=NullKnowledge(),
            ladder=settings.ladder,
            calibration=settings.calibration,
            remedy=remedy,
            lease=lease,
            notifier=NoNotifier(),
            max_rounds=settings.max_rounds,
            max_looks=settings.max_looks,
            models={rung: RecordedModel(rung, look_up) for rung in settings.rungs},
            data_policy=settings.data_policy,
        )

    return make_context


async def replay(bundle: Bundle) -> Replay:
    """Run the recorded incident through today's graph. Where that asks for what was never recorded, the run ends there
    and the missing decisions are differences.

    Raises:
        BundleError: the bundle lacks what a run needs to begin.
    """
    began, clock = reopened(bundle)
    incident_id = began.incident.id
    make_context = await offline(bundle, clock, RecordedRemedy(bundle))
    async with scratch_store(clock, began.incident, began.alerts) as store:
        await _know_attempts(store, bundle)
        runner, lease = await scratch_runner(store, incident_id, lambda lease: make_context(store, lease))
        while await runner.run(incident_id, lease) is RunResult.WAITING:
            if not await _answer_as_recorded(store, bundle):
                break
        return await _compare(store, bundle)


async def _know_attempts(store: Store, bundle: Bundle) -> None:
    """The attempts as they were, so that what is verified again has a row to be written to."""
    async with store.write() as tx:
        for attempt in bundle.attempts:
            await tx.attempts.reserve(attempt)


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
