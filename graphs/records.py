"""How nodes put on record what they saw and decided; every write is keyed, so that a node may run twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from pydantic import BaseModel

from agents.ladder import Climb, climb
from agents.rungs.model import Asking, Look
from agents.spec import AgentSpec
from core.models import Decision, Incident, Rung, Severity, TimelineEntry, Verdict, content_id
from graphs.context import IncidentContext
from graphs.recorded_models import recording
from tools.outages import answers_of, tell_outages
from tools.runner import Looked, keep

GUARD_VERSION = "1"
I = TypeVar("I")  # noqa: E741 - input and output, as AgentSpec names them
O = TypeVar("O", bound=BaseModel)  # noqa: E741


async def decide(
    spec: AgentSpec[I, O],
    given: I,
    context: IncidentContext,
    incident: Incident,
    *,
    visit: int = 0,
    look: Look | None = None,
    wait: Callable[[O, float], bool] | None = None,
) -> Climb[O]:
    """Let an agent climb the ladder and keep its decision, with every step and what models did aloud on the timeline.

    Args:
        visit: tells repeated decisions of one agent apart.
        look: lets models ask for more evidence.
        wait: whether the rules' result stays as it is for now, as `agents.ladder.climb` has it.
    """
    asking = Asking(
        models=recording(context, incident.id),
        policy=context.data_policy,
        incident_id=incident.id,
        service=incident.service,
        urgent=incident.severity is Severity.CRITICAL,
        look=look,
    )
    answer = await climb(
        spec,
        given,
        policy=context.ladder,
        severity=incident.severity,
        clock=context.clock,
        asking=asking,
        wait=wait,
    )
    decision = Decision(
        id=content_id("dec", incident.id, spec.name, str(visit)),
        incident_id=incident.id,
        agent=spec.name,
        agent_version=spec.version,
        rung=answer.rung,
        result=answer.result.model_dump_json(),
        confidence=answer.confidence,
        escalations=answer.escalations,
        prompt_hash=answer.prompt_hash,
        model=answer.model,
        cost_usd=answer.cost_usd,
        seconds=round(answer.seconds, 3),
        at=context.clock.now(),
    )
    told = [
        (step.from_rung.value, "escalation", f"{step.from_rung} -> {step.to_rung} ({step.reason}) {step.detail}")
        for step in answer.escalations
    ]
    told += [(str(number), "model", note) for number, note in enumerate(answer.notes)]
    async with context.store.write() as tx:
        await tx.leases.check(context.lease)
        await tx.decisions.add(decision)
        for key, kind, text in told:
            entry = TimelineEntry(at=decision.at, kind=kind, text=f"{spec.name}: {text}".rstrip())
            await tx.timeline.add(incident.id, entry, key=f"{kind}:{decision.id}:{key}")
    for step in answer.escalations:
        context.observe_escalation(spec.name, step)
    return answer


async def keep_evidence(looked: Sequence[Looked], context: IncidentContext) -> tuple[str, ...]:
    """Store evidence with its raw data before anybody cites it; a source that did not answer goes on the timeline."""
    async with context.store.write() as tx:
        await tx.leases.check(context.lease)
        await keep(tx, looked)
        for incident_id in dict.fromkeys(evidence.incident_id for evidence, _ in looked):
            answers = answers_of(looked, context.sources, context.inventory)
            await tell_outages(tx, incident_id, answers, context.clock.now())
    return tuple(evidence.id for evidence, _ in looked)


async def note(context: IncidentContext, incident_id: str, kind: str, text: str, key: str) -> None:
    """One line on the timeline, once."""
    async with context.store.write() as tx:
        await tx.leases.check(context.lease)
        await tx.timeline.add(incident_id, TimelineEntry(at=context.clock.now(), kind=kind, text=text), key=key)


async def keep_verdict(context: IncidentContext, incident_id: str, verdict: Verdict, *, told: str) -> None:
    """Keep what the guard said, with the facts it saw, so that the verdict can be replayed."""
    at = context.clock.now()
    result = verdict.model_dump_json()
    decision = Decision(
        id=content_id("dec", incident_id, "guard", result),
        incident_id=incident_id,
        agent="guard",
        agent_version=GUARD_VERSION,
        rung=Rung.RULES,
        result=result,
        confidence=1.0,
        at=at,
    )
    entry = TimelineEntry(at=at, node="guard", kind="verdict", text=told)
    async with context.store.write() as tx:
        await tx.leases.check(context.lease)
        await tx.decisions.add(decision)
        await tx.timeline.add(incident_id, entry, key=f"verdict:{decision.id}")
