"""The ladder: rules, local model, frontier model, human. Each step only with a named reason.

Where a model can be asked, an answer is enough at `sure` (0.70); what is done about a critical incident is also put to
the local model, and to the frontier only where the two disagree or are not at `critical_sure` (0.90). A rung that gives
no answer is passed by, saying why; the best answer so far then stands if it is `sure` and nothing is wrong with it,
otherwise a human decides, and whatever is proposed is asked about whatever the autonomy.

Where no model is configured, or there is nothing that one could judge, nothing of that applies: the rules' answer goes
to planning and guard with its confidence, as the thresholds there want it (`min_confidence`, `critical_confidence` only
say whether it is recorded as one for a human). What Quell does without models does not depend on this module.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic

import structlog
from pydantic import ValidationError

from agents.ladder_policy import LadderPolicy
from agents.rungs.model import Asking
from agents.rungs.model import ask as ask_model
from agents.rungs.question import Before
from agents.spec import AgentSpec, Answer, In, NoAnswer, Out
from core.clock import Clock, SystemClock
from core.errors import InvalidInput, SourceError, SourceUnavailable
from core.models import Escalation, EscalationReason, Rung, Severity

log = structlog.get_logger(__name__)

MACHINES = (Rung.RULES, Rung.LOCAL, Rung.FRONTIER)
NOBODY = Asking()
MODEL_SECONDS = 90.0
"""Longest wait for the models of one decision together; their own deadlines are shorter.

Whoever hands the models over sees to it (`graphs.recorded_models`), as a late one must be late in a replay, too."""

SPOILT = {EscalationReason.ABSTAINED, EscalationReason.UNKNOWN_PATTERN, EscalationReason.RUNGS_DISAGREE}
"""What is wrong with an answer however sure it is: nobody may rely on it because a better rung was silent."""

_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class Climb(Generic[Out]):
    """How a decision was reached.

    Attributes:
        result: the answer that was enough; at the human rung the best answer of the machines, for the human to judge.
        rung: where the climb ended.
        escalations: every step, oldest first; a step down says that the answer of a lower rung stands.
        seconds: how long it took.
        unsure: why a human must confirm what follows, whatever the autonomy; empty when none must.
        prompt_hash, model: of the model that answered; empty when none did.
        notes: what was done aloud on the way.
    """

    result: Out
    confidence: float
    rung: Rung
    escalations: tuple[Escalation, ...]
    cost_usd: float
    seconds: float
    unsure: str = ""
    prompt_hash: str = ""
    model: str = ""
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Way(Generic[In, Out]):
    """A climb under way."""

    spec: AgentSpec[In, Out]
    given: In
    policy: LadderPolicy
    severity: Severity
    asking: Asking
    clock: Clock
    started: float
    answers: dict[Rung, Answer[Out]] = field(default_factory=dict)
    steps: list[Escalation] = field(default_factory=list)
    spent_usd: float = 0.0

    @property
    def critical(self) -> bool:
        """Whether severity alone is a reason."""
        return self.severity is Severity.CRITICAL and self.spec.weighty

    @property
    def best(self) -> Rung | None:
        """Whose answer is the surest so far, the higher one of equals."""
        return max(self.answers, key=lambda rung: (self.answers[rung].confidence, MACHINES.index(rung)), default=None)

    def disagrees(self, rung: Rung) -> bool:
        """Whether more of those below said another thing than said the same."""
        mine = self.answers[rung]
        votes = [
            self.spec.same(mine.result, other.result)
            for below, other in self.answers.items()
            if below is not rung and self._votes(other, against=mine)
        ]
        return votes.count(False) > votes.count(True)

    def _votes(self, other: Answer[Out], against: Answer[Out]) -> bool:
        """Whether an answer counts against a later one: who has doubts of his own does only if he is still surer."""
        if not self.critical and other.confidence < self.policy.min_confidence:
            return False
        concern = self.spec.concern(other.result)
        return concern is None or (concern not in SPOILT and other.confidence >= against.confidence)

    def step(self, rung: Rung, to: Rung, reason: EscalationReason, detail: str) -> None:
        """Put a step on record."""
        self.steps.append(Escalation(from_rung=rung, to_rung=to, reason=reason, detail=detail))
        log.info("ladder_climbed", agent=self.spec.name, rung=rung, to=to, reason=reason, detail=detail)

    def end(self, rung: Rung, at: Rung | None = None, unsure: str = "") -> Climb[Out]:
        """The end of it: the answer of `rung`, at that rung unless a human gets it."""
        answer = self.answers[rung]
        return Climb(
            result=answer.result,
            confidence=answer.confidence,
            rung=at or rung,
            escalations=tuple(self.steps),
            cost_usd=round(self.spent_usd, 9),
            seconds=self.clock.monotonic() - self.started,
            unsure=unsure or answer.unsure,
            prompt_hash=answer.prompt_hash,
            model=answer.model,
            notes=answer.notes,
        )


async def climb(
    spec: AgentSpec[In, Out],
    given: In,
    *,
    policy: LadderPolicy,
    severity: Severity,
    clock: Clock = _CLOCK,
    asking: Asking = NOBODY,
    wait: Callable[[Out, float], bool] | None = None,
) -> Climb[Out]:
    """Ask rung after rung until an answer is enough; end at the human otherwise.

    Args:
        asking: the models, and what they may be told.
        wait: whether the rules' result, with its confidence, is to stay as it is for now: a better look follows soon,
            and no model is asked before it.

    Raises:
        SourceUnavailable: no rung gave any answer.
    """
    way = _Way(spec, given, policy, severity, asking, clock, clock.monotonic())
    first = await _ask_function(spec, Rung.RULES, given)
    if isinstance(first, Answer):
        way.answers[Rung.RULES] = first
    rules = first.result if isinstance(first, Answer) else None
    configured = bool(asking.models) and spec.prompted is not None
    worth = configured and spec.prompted is not None and spec.prompted.worth_asking(given, rules)
    if configured and isinstance(first, Answer) and wait is not None and wait(first.result, first.confidence):
        return way.end(Rung.RULES)
    if worth or set(spec.rungs) - {Rung.RULES}:
        return await _climb_models(way, first)
    return _without_models(way, first, "nothing was found: no model is asked" if configured else "not configured")


def _without_models(way: _Way[In, Out], first: Answer[Out] | NoAnswer, why: str) -> Climb[Out]:
    """The rules' answer, on record as one for a human where it is not enough."""
    if isinstance(first, NoAnswer):
        reason, detail = first.reason, first.detail
    else:
        wanted = way.policy.why_human(first.confidence, way.severity, way.spec.concern(first.result))
        if wanted is None:
            return way.end(Rung.RULES)
        reason, detail = wanted, f"confidence {first.confidence:.3f}"
    way.step(Rung.RULES, Rung.LOCAL, reason, detail)
    way.step(Rung.LOCAL, Rung.FRONTIER, EscalationReason.RUNG_UNAVAILABLE, why)
    way.step(Rung.FRONTIER, Rung.HUMAN, EscalationReason.RUNG_UNAVAILABLE, why)
    if isinstance(first, NoAnswer):
        raise _nobody(way)
    return way.end(Rung.RULES, at=Rung.HUMAN)


async def _climb_models(way: _Way[In, Out], first: Answer[Out] | NoAnswer) -> Climb[Out]:
    """Rules, local, frontier; a human where none of them is enough."""
    reason: EscalationReason | None = None
    heard: Answer[Out] | NoAnswer = first
    for rung, following in zip(MACHINES, (*MACHINES[1:], Rung.HUMAN), strict=True):
        if rung is not Rung.RULES:
            heard = await _ask(way, rung)
        way.spent_usd += heard.cost_usd
        if isinstance(heard, NoAnswer):
            stands = _standing(way, reason, heard, last=following is Rung.HUMAN)
            if stands is not None:
                sure = way.answers[stands].confidence
                way.step(rung, stands, heard.reason, f"{heard.detail}; the answer of {stands} stands ({sure:.3f})")
                return way.end(stands)
            way.step(rung, following, heard.reason, heard.detail)
            continue
        way.answers[rung] = heard
        reason = way.policy.why_climb(
            rung,
            heard.confidence,
            critical=way.critical,
            concern=way.spec.concern(heard.result),
            disagrees=way.disagrees(rung),
        )
        if reason is None:
            return way.end(rung)
        way.step(rung, following, reason, f"confidence {heard.confidence:.3f}")
    best = way.best
    if best is None:
        raise _nobody(way)
    last = way.steps[-1]
    return way.end(best, at=Rung.HUMAN, unsure=f"no rung is sure: {last.from_rung} handed over ({last.reason})")


def _standing(way: _Way[In, Out], reason: EscalationReason | None, heard: NoAnswer, *, last: bool) -> Rung | None:
    """The rung whose answer stands although a higher one was to be asked and is silent; None: go on.

    Before the frontier it stands only when the local model was late, or when severity was the only reason.

    Args:
        reason: why the newest answer was not enough.
        last: no further rung can be asked.
    """
    best = way.best
    if best is None or reason is None or reason in SPOILT:
        return None
    sure = way.answers[best].confidence
    if way.spec.concern(way.answers[best].result) in SPOILT or sure < way.policy.sure:
        return None
    enough = not way.critical or sure >= way.policy.critical_sure
    late = heard.reason is EscalationReason.TIMEOUT
    if last or (enough and (late or reason is EscalationReason.CRITICAL_SEVERITY)):
        return best
    return None


async def _ask(way: _Way[In, Out], rung: Rung) -> Answer[Out] | NoAnswer:
    """A higher rung's answer, or why there is none."""
    if way.spent_usd > way.spec.budget.cost_usd:
        spent = f"{way.spent_usd:.4f} USD of {way.spec.budget.cost_usd:.4f} are spent"
        return NoAnswer(EscalationReason.OVER_BUDGET, spent)
    if rung in way.spec.rungs:
        return await _ask_function(way.spec, rung, way.given)
    rules = way.answers.get(Rung.RULES)
    models = [answer.result for each, answer in way.answers.items() if each is not Rung.RULES]
    before = Before(rules.result if rules else None, models)
    return await ask_model(way.spec, rung, way.given, before, way.asking)


async def _ask_function(spec: AgentSpec[In, Out], rung: Rung, given: In) -> Answer[Out] | NoAnswer:
    """The answer of a rung that asks no model, or why there is none."""
    function = spec.rungs.get(rung)
    if function is None:
        return NoAnswer(EscalationReason.RUNG_UNAVAILABLE, "not configured")
    try:
        async with asyncio.timeout(spec.budget.rung_seconds):
            answer = await function(given)
    except TimeoutError:
        return NoAnswer(EscalationReason.TIMEOUT, f"no answer within {spec.budget.rung_seconds:g} s")
    except SourceError as error:
        return NoAnswer(EscalationReason.RUNG_UNAVAILABLE, error.message)
    except ValidationError as error:
        return NoAnswer(EscalationReason.INVALID_OUTPUT, f"{error.error_count()} fields of the answer are wrong")
    except InvalidInput as error:
        return NoAnswer(EscalationReason.INVALID_OUTPUT, error.message)
    if not isinstance(answer.result, spec.output) or not 0 <= answer.confidence <= 1:
        return NoAnswer(EscalationReason.INVALID_OUTPUT, "the answer has another type, or a confidence outside 0..1")
    return answer


def _nobody(way: _Way[In, Out]) -> SourceUnavailable:
    why = "; ".join(f"{step.from_rung}: {step.reason} {step.detail}".rstrip() for step in way.steps)
    return SourceUnavailable(f"no rung of the {way.spec.name} agent answered: {why}", fix="see `quell doctor`")
