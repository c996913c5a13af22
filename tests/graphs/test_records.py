"""What is told of a decision, besides what is kept of it."""

from __future__ import annotations

from dataclasses import replace

from agents.spec import AgentSpec, Answer, Budget
from core.models import Escalation, EscalationReason, Model, Rung, Severity
from graphs.records import decide
from tests.graphs.conftest import Bench


class Guess(Model):
    """An answer."""

    text: str


async def shrug(given: str) -> Answer[Guess]:
    return Answer(Guess(text=given), confidence=0.1)


async def test_every_step_up_the_ladder_is_told_with_its_agent(bench: Bench) -> None:
    told: list[tuple[str, Escalation]] = []
    context = replace(
        bench.context(await bench.lease()), observe_escalation=lambda agent, step: told.append((agent, step))
    )
    spec = AgentSpec("guess", "1", "guesses", str, Guess, (), {Rung.RULES: shrug}, Budget())
    incident = (await bench.incident()).model_copy(update={"severity": Severity.WARNING})
    answer = await decide(spec, "payment", context, incident)
    assert [agent for agent, _ in told] == ["guess"] * len(answer.escalations)
    assert tuple(step for _, step in told) == answer.escalations
    assert told[0][1].reason is EscalationReason.LOW_CONFIDENCE
