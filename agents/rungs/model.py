"""One question to a language model, whatever the agent: the only way by which data reaches one.

Policy -> prompt, hidden and fenced -> the model -> schema, with one corrective retry -> what was hidden is put back ->
held against the evidence -> confidence by the calibrator -> a second look, which may only lower it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from agents.data_policy import DataPolicy, may_leave
from agents.looking.progress import Looked
from agents.looking.telling import Barred
from agents.prompting import MAX_PROMPT_TOKENS, Rendered, load
from agents.redaction import Redactor
from agents.rungs.conversation import Conversation
from agents.rungs.question import Before, Question
from agents.rungs.showing import Showing
from agents.spec import AgentSpec, Answer, In, NoAnswer, Out
from core.errors import DataStays, InvalidInput, ModelLate, OverBudget, SourceError
from core.llm import ModelRequest, Purpose
from core.models import EscalationReason, Rung
from core.ports import ChatModel

Look = Callable[[ChatModel, ModelRequest, Redactor, Barred], Awaitable[Looked]]
"""Lets a model ask for more evidence before it answers."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who may be asked, for whom, and what they may be told.

    Attributes:
        models: by rung; a rung without is not configured.
        service: that the incident is about; costs are booked on it.
        urgent: the incident is critical.
        look: None: models answer from what the prompt shows.
    """

    models: Mapping[Rung, ChatModel] = field(default_factory=dict)
    policy: DataPolicy = field(default_factory=DataPolicy)
    incident_id: str = ""
    service: str = ""
    urgent: bool = False
    look: Look | None = None


async def ask(
    spec: AgentSpec[In, Out], rung: Rung, given: In, before: Before[Out], asking: Asking
) -> Answer[Out] | NoAnswer:
    """The answer of that rung's model, or the named reason why there is none. Never raises what a model can cause."""
    model, prompted = asking.models.get(rung), spec.prompted
    if model is None or prompted is None:
        return NoAnswer(EscalationReason.RUNG_UNAVAILABLE, "not configured")
    kept = may_leave(asking.policy, rung, sorted(prompted.services(given) | {asking.service}))
    if kept is not None:
        return NoAnswer(EscalationReason.DATA_STAYS, kept)
    talk = Conversation(model, Redactor.of(asking.policy.of(rung)))
    if prompted.looks and asking.look is not None:
        talk.look = _bound(asking.look, lambda service: may_leave(asking.policy, rung, (service,)))
    showing = Showing(talk.redactor)
    rendered = load(prompted.prompt).render(**prompted.variables(given, before.rules, showing))
    if rendered.tokens > MAX_PROMPT_TOKENS:
        return NoAnswer(EscalationReason.RUNG_UNAVAILABLE, f"not asked: the prompt has {rendered.tokens} tokens")
    request = ModelRequest(
        task=prompted.task,
        messages=rendered.messages,
        max_output_tokens=prompted.max_output_tokens,
        urgent=asking.urgent,
        purpose=Purpose(agent=spec.name, incident_id=asking.incident_id, service=asking.service),
    )
    try:
        return await _answer(Question(spec, prompted, rung, given, before, talk, showing, request), rendered)
    except InvalidInput as error:
        return NoAnswer(EscalationReason.INVALID_OUTPUT, f"also after a correction: {error.message}", talk.cost_usd)
    except SourceError as error:
        return NoAnswer(_reason_of(error), error.message, talk.cost_usd)


async def _answer(question: Question[In, Out], rendered: Rendered) -> Answer[Out] | NoAnswer:
    """The claim as an answer; none when nothing bears on it."""
    talk, claim = question.talk, await question.claim()
    if claim.groundless:
        return NoAnswer(EscalationReason.UNGROUNDED, claim.groundless, talk.cost_usd)
    claim, confidence = await question.weighed(claim)
    return Answer(
        result=claim.settle(confidence, question.rung),
        confidence=confidence,
        cost_usd=talk.cost_usd,
        unsure=claim.unsure,
        prompt_hash=rendered.hash,
        model=talk.model_name,
        notes=talk.notes,
    )


def _bound(look: Look, barred: Barred) -> Callable[[ChatModel, ModelRequest, Redactor], Awaitable[Looked]]:
    async def ask_and_look(model: ChatModel, request: ModelRequest, redactor: Redactor) -> Looked:
        return await look(model, request, redactor, barred)

    return ask_and_look


def _reason_of(error: SourceError) -> EscalationReason:
    """What the ladder calls it."""
    match error:
        case ModelLate():
            return EscalationReason.TIMEOUT
        case OverBudget():
            return EscalationReason.OVER_BUDGET
        case DataStays():
            return EscalationReason.DATA_STAYS
        case _:
            return EscalationReason.RUNG_UNAVAILABLE
