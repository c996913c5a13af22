"""The ladder climbs only with a named reason, says what it skipped, and ends at a human."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from agents.ladder import climb
from agents.ladder_policy import LadderPolicy
from agents.spec import AgentSpec, Answer, Budget
from core.clock import ManualClock
from core.errors import InvalidInput, SourceRejected, SourceUnavailable
from core.models import EscalationReason, Model, Rung, Severity

REASONS = EscalationReason
POLICY = LadderPolicy(sure=0.7, critical_sure=0.9, min_confidence=0.6, critical_confidence=0.7)


class Word(Model):
    """What the agent of these tests answers."""

    text: str
    concern: EscalationReason | None = None


RungFunction = Callable[[str], Awaitable[Answer[Word]]]


def says(
    confidence: float, text: str = "yes", *, concern: EscalationReason | None = None, cost: float = 0
) -> RungFunction:
    async def rung(given: str) -> Answer[Word]:
        return Answer(Word(text=f"{given} {text}", concern=concern), confidence, cost)

    return rung


def fails(error: Exception) -> RungFunction:
    async def rung(given: str) -> Answer[Word]:
        raise error

    return rung


async def never(given: str) -> Answer[Word]:
    await asyncio.Event().wait()
    raise AssertionError


async def invalid(given: str) -> Answer[Word]:
    return Answer(Word.model_validate({"word": 1}), 1.0)


async def another_type(given: str) -> Answer[Word]:
    return Answer(given, 1.0)  # type: ignore[arg-type]  # what a wrong rung would do


def agent(**rungs: RungFunction) -> AgentSpec[str, Word]:
    return AgentSpec(
        name="parrot",
        version="1",
        description="",
        input=str,
        output=Word,
        tools=(),
        rungs={Rung(name): rung for name, rung in rungs.items()},
        budget=Budget(rung_seconds=0.05, cost_usd=0.01),
        concern=lambda word: word.concern,
        same=lambda one, other: one.text == other.text,
    )


async def reasons(spec: AgentSpec[str, Word], severity: Severity = Severity.WARNING) -> list[EscalationReason]:
    answer = await climb(spec, "polly", policy=POLICY, severity=severity)
    return [step.reason for step in answer.escalations]


HANDOVERS = [
    (says(0.5), REASONS.LOW_CONFIDENCE),
    (says(0.9, concern=REASONS.UNKNOWN_PATTERN), REASONS.UNKNOWN_PATTERN),
    (says(0.9, concern=REASONS.SEVERAL_COMPONENTS), REASONS.SEVERAL_COMPONENTS),
    (says(0.9, concern=REASONS.ABSTAINED), REASONS.ABSTAINED),
    (invalid, REASONS.INVALID_OUTPUT),
    (another_type, REASONS.INVALID_OUTPUT),
    (says(math.nan), REASONS.INVALID_OUTPUT),
    (says(1.5), REASONS.INVALID_OUTPUT),
    (fails(InvalidInput("no such service", path="service")), REASONS.INVALID_OUTPUT),
    (never, REASONS.TIMEOUT),
    (fails(SourceUnavailable("refused")), REASONS.RUNG_UNAVAILABLE),
    (fails(SourceRejected("no such model")), REASONS.RUNG_UNAVAILABLE),
]
"""What the first rung does -> why the next one is asked."""


def test_the_thresholds_that_hold_unless_others_are_set() -> None:
    assert LadderPolicy() == POLICY


async def test_an_answer_that_is_enough_ends_the_climb() -> None:
    answer = await climb(agent(rules=says(0.7), local=never), "polly", policy=POLICY, severity=Severity.WARNING)
    assert (answer.result.text, answer.confidence, answer.rung) == ("polly yes", 0.7, Rung.RULES)
    assert (answer.escalations, answer.unsure) == ((), "")


async def test_every_step_up_is_named_and_unavailable_rungs_are_skipped_aloud() -> None:
    answer = await climb(agent(rules=says(0.3)), "polly", policy=POLICY, severity=Severity.WARNING)
    assert [(step.from_rung, step.to_rung, step.reason) for step in answer.escalations] == [
        (Rung.RULES, Rung.LOCAL, REASONS.LOW_CONFIDENCE),
        (Rung.LOCAL, Rung.FRONTIER, REASONS.RUNG_UNAVAILABLE),
        (Rung.FRONTIER, Rung.HUMAN, REASONS.RUNG_UNAVAILABLE),
    ]
    assert (answer.rung, answer.result.text, answer.confidence) == (Rung.HUMAN, "polly yes", 0.3)


async def test_a_higher_rung_that_is_sure_ends_it() -> None:
    spec = agent(rules=says(0.3, "no"), local=says(0.55, "maybe"), frontier=says(0.75, "yes"))
    answer = await climb(spec, "polly", policy=POLICY, severity=Severity.WARNING)
    assert (answer.rung, answer.result.text) == (Rung.FRONTIER, "polly yes")
    assert [step.reason for step in answer.escalations] == [REASONS.LOW_CONFIDENCE, REASONS.LOW_CONFIDENCE]


async def test_the_human_gets_the_best_answer_of_the_machines() -> None:
    spec = agent(rules=says(0.45, "rules"), local=says(0.2, "local"), frontier=says(0.4, "frontier"))
    answer = await climb(spec, "polly", policy=POLICY, severity=Severity.WARNING)
    assert (answer.rung, answer.result.text, answer.confidence) == (Rung.HUMAN, "polly rules", 0.45)
    assert answer.unsure == "no rung is sure: frontier handed over (low_confidence)"


@pytest.mark.parametrize(("rung", "reason"), HANDOVERS)
async def test_each_reason_to_hand_over(rung: RungFunction, reason: EscalationReason) -> None:
    answer = await climb(agent(rules=rung, local=says(0.8)), "polly", policy=POLICY, severity=Severity.WARNING)
    assert [step.reason for step in answer.escalations] == [reason]
    assert answer.rung is Rung.LOCAL


CRITICAL = [
    ({"rules": says(0.95), "local": says(0.9)}, [REASONS.CRITICAL_SEVERITY], Rung.LOCAL),
    (
        {"rules": says(0.95), "local": says(0.89), "frontier": says(0.75)},
        [REASONS.CRITICAL_SEVERITY, REASONS.CRITICAL_SEVERITY],
        Rung.FRONTIER,
    ),
    (
        {"rules": says(0.95), "local": says(0.95, "no"), "frontier": says(0.9)},
        [REASONS.CRITICAL_SEVERITY, REASONS.RUNGS_DISAGREE],
        Rung.FRONTIER,
    ),
    (
        {"rules": says(0.95), "local": says(0.95, "no"), "frontier": says(0.9, "maybe")},
        [REASONS.CRITICAL_SEVERITY, REASONS.RUNGS_DISAGREE, REASONS.RUNGS_DISAGREE],
        Rung.HUMAN,
    ),
    ({"rules": says(0.9), "frontier": never}, [REASONS.CRITICAL_SEVERITY, REASONS.RUNG_UNAVAILABLE], Rung.RULES),
    (
        {"rules": says(0.8), "frontier": says(0.8)},
        [REASONS.CRITICAL_SEVERITY, REASONS.RUNG_UNAVAILABLE],
        Rung.FRONTIER,
    ),
    (
        {"rules": says(0.8), "local": never},
        [REASONS.CRITICAL_SEVERITY, REASONS.TIMEOUT, REASONS.RUNG_UNAVAILABLE],
        Rung.RULES,
    ),
]
"""What the rungs say of a critical incident -> the steps, and where it ends."""


@pytest.mark.parametrize(("rungs", "steps", "end"), CRITICAL)
async def test_critical_incidents_are_put_to_the_local_model_and_to_the_frontier_in_doubt(
    rungs: dict[str, RungFunction], steps: list[EscalationReason], end: Rung
) -> None:
    answer = await climb(agent(**rungs), "polly", policy=POLICY, severity=Severity.CRITICAL)
    assert ([step.reason for step in answer.escalations], answer.rung) == (steps, end)
    assert bool(answer.unsure) is (end is Rung.HUMAN)


async def test_severity_alone_is_no_reason_where_nothing_is_done_on_the_answer() -> None:
    spec = replace(agent(rules=says(0.75), local=never), weighty=False)
    assert await reasons(spec, Severity.CRITICAL) == []


STANDING = [
    (says(0.75, concern=REASONS.SEVERAL_COMPONENTS), never, Rung.RULES),
    (says(0.65), never, Rung.HUMAN),
    (says(0.75, concern=REASONS.SEVERAL_COMPONENTS), fails(SourceUnavailable("down")), Rung.RULES),
    (says(0.65), fails(SourceUnavailable("down")), Rung.HUMAN),
    (says(0.9, concern=REASONS.UNKNOWN_PATTERN), never, Rung.HUMAN),
    (says(0.9, concern=REASONS.ABSTAINED), fails(SourceUnavailable("down")), Rung.HUMAN),
]
"""What the rules say and how the local model fails -> who decides."""


@pytest.mark.parametrize(("rules", "local", "end"), STANDING)
async def test_the_lower_answer_stands_if_it_is_sure_when_the_models_are_silent(
    rules: RungFunction, local: RungFunction, end: Rung
) -> None:
    answer = await climb(agent(rules=rules, local=local), "polly", policy=POLICY, severity=Severity.WARNING)
    assert answer.rung is end
    assert answer.result.text == "polly yes"
    assert bool(answer.unsure) is (end is Rung.HUMAN)
    assert answer.escalations[-1].to_rung is end
    if end is Rung.RULES:
        assert "the answer of rules stands (0.750)" in answer.escalations[-1].detail


async def test_rungs_that_disagree_go_on_to_the_next_and_the_majority_counts() -> None:
    spec = agent(rules=says(0.69, "no"), local=says(0.8), frontier=says(0.8))
    answer = await climb(spec, "polly", policy=POLICY, severity=Severity.WARNING)
    assert [step.reason for step in answer.escalations] == [REASONS.LOW_CONFIDENCE, REASONS.RUNGS_DISAGREE]
    assert (answer.rung, answer.result.text) == (Rung.FRONTIER, "polly yes")


async def test_who_is_not_sure_enough_disagrees_with_nobody() -> None:
    spec = agent(rules=says(0.59, "no"), local=says(0.8), frontier=never)
    answer = await climb(spec, "polly", policy=POLICY, severity=Severity.WARNING)
    assert (answer.rung, answer.result.text) == (Rung.LOCAL, "polly yes")


async def test_without_any_model_thresholds_only_say_whether_the_answer_is_one_for_a_human() -> None:
    spec = agent(rules=says(0.65))
    assert await reasons(spec, Severity.WARNING) == []
    assert await reasons(spec, Severity.CRITICAL) == [REASONS.CRITICAL_SEVERITY, *[REASONS.RUNG_UNAVAILABLE] * 2]
    answer = await climb(spec, "polly", policy=POLICY, severity=Severity.CRITICAL)
    assert (answer.rung, answer.unsure) == (Rung.HUMAN, "")


async def test_an_empty_purse_ends_at_the_human() -> None:
    answer = await climb(
        agent(rules=says(0.1), local=says(0.5, cost=0.02), frontier=never),
        "polly",
        policy=POLICY,
        severity=Severity.WARNING,
    )
    assert [step.reason for step in answer.escalations] == [
        REASONS.LOW_CONFIDENCE,
        REASONS.LOW_CONFIDENCE,
        REASONS.OVER_BUDGET,
    ]
    assert (answer.rung, answer.cost_usd) == (Rung.HUMAN, 0.02)


def test_no_reason_is_left_untested() -> None:
    elsewhere = {REASONS.CRITICAL_SEVERITY, REASONS.OVER_BUDGET, REASONS.RUNGS_DISAGREE}
    elsewhere |= {REASONS.UNGROUNDED, REASONS.DATA_STAYS}  # tests/agents/rungs/test_model.py
    assert {reason for _, reason in HANDOVERS} | elsewhere == set(EscalationReason)


async def test_without_any_answer_there_is_nothing_to_show_a_human() -> None:
    with pytest.raises(SourceUnavailable, match="local: rung_unavailable not configured"):
        await climb(agent(rules=fails(SourceUnavailable("down"))), "polly", policy=POLICY, severity=Severity.INFO)


async def test_a_bug_in_a_rung_is_not_taken_for_an_answer() -> None:
    with pytest.raises(ZeroDivisionError):
        await climb(agent(rules=fails(ZeroDivisionError())), "polly", policy=POLICY, severity=Severity.INFO)


async def test_a_climb_is_timed_by_the_clock(clock: ManualClock) -> None:
    async def slow(given: str) -> Answer[Word]:
        await clock.sleep(3)
        return Answer(Word(text=given), 1.0)

    answer = await climb(agent(rules=slow), "polly", policy=POLICY, severity=Severity.INFO, clock=clock)
    assert answer.seconds == 3
