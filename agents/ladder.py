"""The ladder: rules, local model, frontier model, human. Each step only with a named reason."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Generic

import structlog
from pydantic import Field, ValidationError

from agents.spec import AgentSpec, Answer, In, Out
from core.clock import Clock, SystemClock
from core.errors import InvalidInput, SourceError, SourceUnavailable
from core.models import Escalation, EscalationReason, Model, Rung, Severity

log = structlog.get_logger(__name__)

MACHINES = (Rung.RULES, Rung.LOCAL, Rung.FRONTIER)
_CLOCK = SystemClock()


class LadderPolicy(Model):
    """When an answer is enough."""

    min_confidence: float = Field(default=0.6, ge=0, le=1, description="an answer below it climbs")
    critical_confidence: float = Field(default=0.7, ge=0, le=1, description="the same for critical incidents")

    def why_climb(
        self, confidence: float, severity: Severity, concern: EscalationReason | None
    ) -> EscalationReason | None:
        """The reason to ask the next rung, None when the answer is enough."""
        if concern is not None:
            return concern
        if confidence < self.min_confidence:
            return EscalationReason.LOW_CONFIDENCE
        if severity is Severity.CRITICAL and confidence < self.critical_confidence:
            return EscalationReason.CRITICAL_SEVERITY
        return None


@dataclass(frozen=True, slots=True)
class Climb(Generic[Out]):
    """How a decision was reached.

    Attributes:
        result: the answer that was enough; at the human rung the best answer of the machines, for the human to judge.
        rung: where the climb ended.
        escalations: every step, oldest first.
        seconds: how long it took.
    """

    result: Out
    confidence: float
    rung: Rung
    escalations: tuple[Escalation, ...]
    cost_usd: float
    seconds: float


@dataclass(frozen=True, slots=True)
class _Silence:
    """Why a rung gave no answer."""

    reason: EscalationReason
    detail: str


async def climb(
    spec: AgentSpec[In, Out], given: In, *, policy: LadderPolicy, severity: Severity, clock: Clock = _CLOCK
) -> Climb[Out]:
    """Ask rung after rung until an answer is enough; end at the human otherwise.

    Raises:
        SourceUnavailable: no rung gave any answer.
    """
    started = clock.monotonic()
    spent_usd = 0.0
    best: Answer[Out] | None = None
    steps: list[Escalation] = []
    for rung, following in zip(MACHINES, (*MACHINES[1:], Rung.HUMAN), strict=True):
        heard = await _ask(spec, rung, given, spent_usd)
        if isinstance(heard, Answer):
            spent_usd += heard.cost_usd
            if best is None or heard.confidence >= best.confidence:
                best = heard
            reason = policy.why_climb(heard.confidence, severity, spec.concern(heard.result))
            if reason is None:
                seconds = clock.monotonic() - started
                return Climb(heard.result, heard.confidence, rung, tuple(steps), spent_usd, seconds)
            heard = _Silence(reason, f"confidence {heard.confidence:.3f}")
        steps.append(Escalation(from_rung=rung, to_rung=following, reason=heard.reason, detail=heard.detail))
        log.info("ladder_climbed", agent=spec.name, rung=rung, reason=heard.reason, detail=heard.detail)
    if best is None:
        why = "; ".join(f"{step.from_rung}: {step.reason} {step.detail}".rstrip() for step in steps)
        raise SourceUnavailable(f"no rung of the {spec.name} agent answered: {why}", fix="see `quell doctor`")
    return Climb(best.result, best.confidence, Rung.HUMAN, tuple(steps), spent_usd, clock.monotonic() - started)


async def _ask(spec: AgentSpec[In, Out], rung: Rung, given: In, spent_usd: float) -> Answer[Out] | _Silence:
    """One rung's answer, or why there is none."""
    function = spec.rungs.get(rung)
    if function is None:
        return _Silence(EscalationReason.RUNG_UNAVAILABLE, "not configured")
    if spent_usd > spec.budget.cost_usd:
        return _Silence(EscalationReason.OVER_BUDGET, f"{spent_usd:.4f} USD of {spec.budget.cost_usd:.4f} are spent")
    try:
        async with asyncio.timeout(spec.budget.rung_seconds):
            answer = await function(given)
    except TimeoutError:
        return _Silence(EscalationReason.TIMEOUT, f"no answer within {spec.budget.rung_seconds:g} s")
    except SourceError as error:
        return _Silence(EscalationReason.RUNG_UNAVAILABLE, error.message)
    except ValidationError as error:
        return _Silence(EscalationReason.INVALID_OUTPUT, f"{error.error_count()} fields of the answer are wrong")
    except InvalidInput as error:
        return _Silence(EscalationReason.INVALID_OUTPUT, error.message)
    if not isinstance(answer.result, spec.output) or not 0 <= answer.confidence <= 1:
        return _Silence(EscalationReason.INVALID_OUTPUT, "the answer has another type, or a confidence outside 0..1")
    return answer
