"""One question to a language model, whatever the agent: the only way by which data reaches one.

Prompt, hidden and fenced -> the model -> schema, with one corrective retry -> what was hidden is put back -> held
against the evidence -> confidence by the calibrator -> a second look, which may only lower it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import BaseModel

from agents.data_policy import DataPolicy, may_leave
from agents.fencing import Stranger, fence
from agents.looking.progress import Looked
from agents.looking.telling import Barred
from agents.prompting import MAX_PROMPT_TOKENS, load
from agents.redaction import Redactor
from agents.rungs import verification
from agents.rungs.confidence import confidence_of
from agents.rungs.conversation import Conversation, again
from agents.rungs.schema import response_schema
from agents.rungs.showing import Showing, by_id
from agents.spec import AgentSpec, Answer, Claim, In, NoAnswer, Out, Prompted
from core.errors import DataStays, InvalidInput, ModelLate, OverBudget, SourceError
from core.llm import ModelRequest, Purpose
from core.models import EscalationReason, Rung
from core.ports import ChatModel

Look = Callable[[ChatModel, ModelRequest, Redactor, Barred], Awaitable[Looked]]
"""Lets a model ask for more evidence before it answers."""

RECONSIDERED = -0.5
"""What the features lose in agreement when a model says something else than at first."""

SHARED = 0.5
"""From this probability on, the rules give the answer of a model themselves: nobody needs to refute it."""

O = TypeVar("O", bound=BaseModel)  # noqa: E741 - output, as AgentSpec names it


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


@dataclass(frozen=True, slots=True)
class Before(Generic[Out]):
    """What lower rungs said of the same question.

    Attributes:
        rules: the rules' result; None when they gave none.
        models: results of other models.
    """

    rules: Out | None = None
    models: Sequence[Out] = ()


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
    try:
        return await _answer(spec, prompted, rung, given, before, asking, talk)
    except InvalidInput as error:
        return NoAnswer(EscalationReason.INVALID_OUTPUT, f"also after a correction: {error.message}", talk.cost_usd)
    except SourceError as error:
        return NoAnswer(_reason_of(error), error.message, talk.cost_usd)


async def _answer(
    spec: AgentSpec[In, Out],
    prompted: Prompted[In, Out],
    rung: Rung,
    given: In,
    before: Before[Out],
    asking: Asking,
    talk: Conversation,
) -> Answer[Out] | NoAnswer:
    showing = Showing(talk.redactor)
    rendered = load(prompted.prompt).render(**prompted.variables(given, before.rules, showing))
    if rendered.tokens > MAX_PROMPT_TOKENS:
        return NoAnswer(EscalationReason.INVALID_OUTPUT, f"the prompt has {rendered.tokens} tokens")
    choices = prompted.choices(given, before.rules)
    hidden = {name: tuple(talk.redactor.hide(each) for each in values) for name, values in choices.items()}
    request = ModelRequest(
        task=prompted.task,
        messages=rendered.messages,
        response_schema=response_schema(prompted.response, hidden),
        max_output_tokens=prompted.max_output_tokens,
        urgent=asking.urgent,
        purpose=Purpose(agent=spec.name, incident_id=asking.incident_id, service=asking.service),
    )
    known = dict(by_id(prompted.evidence(given)))
    if prompted.looks and asking.look is not None:
        talk.look = _bound(asking.look, lambda service: may_leave(asking.policy, rung, (service,)))

    def read(response: BaseModel) -> Claim[Out]:
        known.update(by_id(talk.looked_at))
        return prompted.read(response, given, before.rules, known)

    claim, unfounded = await talk.hear(request, prompted.response, choices, read), 0.0
    if claim.groundless and rung is Rung.LOCAL:
        told = verification.GROUND_IT.format(why=talk.redactor.hide(claim.groundless))
        claim = await talk.hear(again(request, talk.said, told), prompted.response, choices, read)
        unfounded = RECONSIDERED
    if claim.groundless:
        return NoAnswer(EscalationReason.UNGROUNDED, claim.groundless, talk.cost_usd)
    confidence = confidence_of(claim, known, rung, unfounded + _agreement(spec, claim, before))
    alone = claim.support is None or claim.support < SHARED
    useful = confidence >= verification.WORTH_IT or rung is Rung.LOCAL
    if prompted.verified and alone and useful:
        said = talk.said
        verdict = await verification.second_look(claim, spec.description, known, request, talk, showing)
        if verdict is not None:
            confidence = verification.against(confidence, verdict)
        if verdict is not None and not verdict.holds and rung is Rung.LOCAL and not unfounded:
            objection = fence(talk.redactor.hide(verdict.objection), Stranger.TOOL, max_characters=400)
            told = verification.RECONSIDER.format(objection=objection)
            first, claim = claim, await talk.hear(again(request, said, told), prompted.response, choices, read)
            if claim.groundless:
                return NoAnswer(EscalationReason.UNGROUNDED, claim.groundless, talk.cost_usd)
            if not _alike(spec, first, claim):
                confidence = confidence_of(claim, known, rung, RECONSIDERED + _agreement(spec, claim, before))
    return Answer(
        result=claim.settle(confidence, rung),
        confidence=confidence,
        cost_usd=talk.cost_usd,
        unsure=claim.unsure,
        prompt_hash=rendered.hash,
        model=talk.model_name,
        notes=talk.notes,
    )


def _alike(spec: AgentSpec[In, O], one: Claim[O], other: Claim[O]) -> bool:
    """Whether both make the same claim."""
    return spec.same(one.settle(0.5, Rung.LOCAL), other.settle(0.5, Rung.LOCAL)) is True


def _agreement(spec: AgentSpec[In, O], claim: Claim[O], before: Before[O]) -> int:
    """Other models that said the same, minus those that said another thing."""
    result = claim.settle(0.5, Rung.LOCAL)
    votes = [spec.same(result, other) for other in before.models]
    return votes.count(True) - votes.count(False)


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
