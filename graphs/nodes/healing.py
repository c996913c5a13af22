"""From a diagnosis to a verified effect. Only `act` and `undo` change the world, through the remedy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import structlog
from langgraph.types import interrupt

from agents import healing
from agents.models import HealingInput
from core.errors import AlreadyReserved, InvalidInput, StateInvalid
from core.models import (
    ApprovalState,
    AttemptState,
    Effect,
    Ending,
    Incident,
    Proposal,
    Recovery,
    TimelineEntry,
    Verdict,
)
from graphs.context import IncidentContext
from graphs.queries import gathered, recorded_view
from graphs.records import decide, keep_verdict, note
from graphs.state import IncidentState, attempted, chosen
from remediation import approvals
from remediation.undo import undo_of
from tools.registry import action_options, validate_proposal

log = structlog.get_logger(__name__)

BUSY_WAIT_SECONDS = 2.0
"""Pause before asking again for a service on which another incident's action is under way."""


async def plan(state: IncidentState, context: IncidentContext) -> dict[str, Any]:
    """Healing agent: what could help, best first, never what was tried."""
    incident, tried, turn = state["incident"], state.get("tried", ()), state.get("round", 0)
    if turn >= context.max_rounds:
        return {"plan": (), "ending": Ending.EXHAUSTED, "ending_detail": f"{turn} rounds did not help"}
    view = await recorded_view(state, context)
    given = HealingInput(
        diagnosis=state["diagnosis"],
        symptom=incident.service,
        services=tuple(context.inventory.all()),
        states=tuple(item.state for item in view.states),
        options=action_options(),
        tried=tried,
        recollections=state.get("recollections", ()),
        evidence=await gathered(state, context),
    )
    answer = await decide(healing.SPEC, given, context, incident, visit=turn)
    doubts = answer.unsure or state.get("unsure", "")
    untried = [proposal for proposal in answer.result.proposals if proposal.hash not in tried]
    proposals = _valid((each.model_copy(update={"unsure": each.unsure or doubts}) for each in untried), context)
    update: dict[str, Any] = {"plan": proposals, "plan_reason": answer.result.reason, "proposal": None, "verdict": None}
    if proposals:
        return update
    named = Ending.NO_ACTION if state["diagnosis"].first else Ending.NO_CAUSE
    ending = Ending.EXHAUSTED if tried else named
    detail = state["diagnosis"].abstained or answer.result.reason
    return {**update, "ending": ending, "ending_detail": detail}


def _valid(proposals: Iterable[Proposal], context: IncidentContext) -> tuple[Proposal, ...]:
    """Proposals that name registered actions and known services, with the registry's word on risk and undo."""
    valid = []
    for proposal in proposals:
        try:
            valid.append(validate_proposal(proposal, context.inventory))
        except InvalidInput as error:
            log.warning("proposal_dropped", action=proposal.action, service=proposal.service, error=str(error))
    return tuple(valid)


async def guard(state: IncidentState, context: IncidentContext) -> dict[str, Any]:
    """The first proposal that policy does not deny; what a human must answer is put to one."""
    async with context.store.read() as tx:
        incident = await tx.incidents.get(state["incident"].id)
    last: Verdict | None = None
    for proposal in state["plan"]:
        verdict = await _rested_verdict(incident, proposal, context)
        last = verdict
        await keep_verdict(context, incident.id, verdict, told=_told(proposal, verdict))
        if verdict.effect is Effect.ASK:
            await _ask_human(incident, proposal, verdict, context)
        if verdict.effect is not Effect.DENY:
            return {"proposal": proposal, "verdict": verdict}
    ending, detail = _denied(last)
    return {"proposal": None, "verdict": last, "ending": ending, "ending_detail": detail}


async def _rested_verdict(incident: Incident, proposal: Proposal, context: IncidentContext) -> Verdict:
    """The verdict; where only the cooldown forbids, it is waited for: the metrics are read again afterwards."""
    verdict = await context.remedy.judge(incident, proposal)
    denials = {reason.rule for reason in verdict.reasons if reason.effect is Effect.DENY}
    if denials != {"cooldown"}:
        return verdict
    rested = verdict.facts.seconds_since_last_action or 0.0
    await context.clock.sleep(max(0.0, verdict.facts.cooldown_seconds - rested))
    return await context.remedy.judge(incident, proposal)


def _told(proposal: Proposal, verdict: Verdict) -> str:
    reason = verdict.deciding
    detail = f" ({reason.detail})" if reason.detail else ""
    return f"{proposal.action} {proposal.service}: {verdict.effect} by {reason.rule}{detail}"


def _denied(verdict: Verdict | None) -> tuple[Ending, str]:
    if verdict is None:
        return Ending.NO_ACTION, "no proposal is left"
    if verdict.facts.still_anomalous is False:
        return Ending.RECOVERED_ALONE, "the metrics are back at their baseline without an action"
    reason = verdict.deciding
    ending = Ending.OBSERVED if reason.rule == "autonomy" else Ending.DENIED
    return ending, f"{reason.rule}: {reason.detail}"


async def _ask_human(incident: Incident, proposal: Proposal, verdict: Verdict, context: IncidentContext) -> None:
    now = context.clock.now()
    async with context.store.write() as tx:
        await tx.leases.check(context.lease)
        approval = await approvals.request(tx, incident, proposal, verdict, now)
        text = f"asked a human about {proposal.action} {proposal.service} ({verdict.deciding.rule})"
        entry = TimelineEntry(at=now, node="guard", kind="approval", text=text)
        await tx.timeline.add(incident.id, entry, key=f"asked:{approval.id}")
        await context.notifier.approval_needed(tx, incident, approval)


async def approve(state: IncidentState, context: IncidentContext) -> dict[str, Any]:
    """Wait for a human. The store has the answer; what the run is resumed with is only a nudge."""
    proposal = chosen(state)
    while True:
        async with context.store.read() as tx:
            approval = await tx.approvals.for_proposal(state["incident"].id, proposal.hash)
        if approval is None:
            raise StateInvalid("a human is awaited, but was never asked", fix="a human must take this incident over")
        if approval.state is not ApprovalState.PENDING:
            break
        interrupt({"approval": approval.id})
    if approval.state is ApprovalState.APPROVED:
        return {}
    if approval.state is ApprovalState.EXPIRED:
        return {"ending": Ending.RECOVERED_ALONE, "ending_detail": "the alerts resolved while a human was asked"}
    said = f"{approval.decided_by} said no {approval.note}".rstrip()
    return {"ending": Ending.REJECTED, "ending_detail": said}


async def act(state: IncidentState, context: IncidentContext) -> dict[str, Any]:
    """Carry the proposal out, once."""
    proposal = chosen(state)
    try:
        attempt = await context.remedy.act(state["incident"], proposal, context.lease)
    except AlreadyReserved:
        await context.clock.sleep(BUSY_WAIT_SECONDS)
        return {"attempt": None}
    await note(
        context,
        state["incident"].id,
        "action",
        f"{proposal.action} {proposal.service}: {attempt.state}"
        + (f", {attempt.outcome.detail}" if attempt.outcome else ""),
        key=f"action:{attempt.id}",
    )
    update: dict[str, Any] = {"attempt": attempt, "tried": (proposal.hash,), "round": state.get("round", 0) + 1}
    if attempt.state not in {AttemptState.DONE, AttemptState.FAILED}:
        detail = f"whether {proposal.action} {proposal.service} happened cannot be told"
        update |= {"ending": Ending.ACTION_UNKNOWN, "ending_detail": detail}
    elif attempt.dry_run:
        update |= {"ending": Ending.OBSERVED, "ending_detail": f"dry run: {proposal.action} {proposal.service}"}
    return update


async def verify(state: IncidentState, context: IncidentContext) -> dict[str, Any]:
    """Ask the metrics, not the action's exit code."""
    attempt = attempted(state)
    verification = await context.remedy.verify(state["incident"], attempt)
    async with context.store.write() as tx:
        await tx.leases.check(context.lease)
        attempt = await tx.attempts.update(attempt.id, verification=verification)
        entry = TimelineEntry(
            at=context.clock.now(),
            node="verify",
            kind="verification",
            text=f"{verification.recovery}: {verification.detail}",
        )
        await tx.timeline.add(state["incident"].id, entry, key=f"verified:{attempt.id}")
    update: dict[str, Any] = {"verification": verification, "attempt": attempt, "evidence": verification.evidence}
    if verification.recovery is Recovery.RECOVERED:
        update |= {"ending": Ending.RECOVERED, "ending_detail": verification.detail}
    elif verification.recovery is Recovery.UNREADABLE:
        update |= {"ending": Ending.UNVERIFIED, "ending_detail": verification.detail}
    return update


async def undo(state: IncidentState, context: IncidentContext) -> dict[str, Any]:
    """Take back what did not help, where there is something to take back."""
    attempt, incident = attempted(state), state["incident"]
    reverse = undo_of(attempt)
    if reverse is None:
        text = f"{attempt.proposal.action} {attempt.proposal.service} left nothing to undo"
        await note(context, incident.id, "undo", text, key=f"undo:{attempt.id}")
        return {}
    verdict = await context.remedy.judge(incident, reverse, undo_of=attempt)
    await keep_verdict(context, incident.id, verdict, told=_told(reverse, verdict))
    text = f"{reverse.action} {reverse.service}: {_told(reverse, verdict)}"
    if verdict.effect is Effect.ALLOW:
        undone = await context.remedy.act(incident, reverse, context.lease, undo_of=attempt.id)
        text = f"{reverse.action} {reverse.service}: {undone.state}"
        if undone.state is AttemptState.DONE:
            await note(context, incident.id, "undo", text, key=f"undo:{attempt.id}")
            return {}
    await note(context, incident.id, "undo", text, key=f"undo:{attempt.id}")
    detail = f"{attempt.proposal.action} {attempt.proposal.service} did not help and was not undone: {text}"
    return {"ending": Ending.ACTION_UNKNOWN, "ending_detail": detail}
