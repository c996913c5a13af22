"""The second look: a model tries to refute an answer. It may only lower the confidence; its silence says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp

from pydantic import Field

from agents.fencing import Stranger, fence
from agents.prompting import load
from agents.rungs.conversation import Conversation
from agents.rungs.schema import response_schema
from agents.rungs.showing import Showing
from agents.spec import Claim, Out
from analysis.calibration.judging import log_odds
from analysis.rounding import probability
from core.errors import InvalidInput, SourceError
from core.llm import ModelRequest, ModelTask
from core.models import Evidence, Model

REFUTED_ODDS = 0.3
"""What a verdict that the answer does not hold takes off its log-odds at least; a sure one takes 1 in all.

A second look errs like the first one: it is evidence against the answer, not proof."""

REFUTED_AT_MOST = 0.69
"""Where an answer ends that its own second look refutes: the next rung is asked from 0.70 down."""

DOUBT_ODDS = 0.5
"""What a verdict takes off at most that holds, but gives a confidence below a half."""

WORTH_IT = 0.6
"""From here on a second look is taken; an answer that is less sure climbs anyway, unless it is reconsidered."""

RECONSIDER = (
    "Weigh all of the evidence again, and what simple rules say. Keep your answer if the evidence bears it out; "
    "otherwise give a better one, by the same schema."
)
"""What a local model is told, once, when neither the rules believe its answer nor its own second look does.

Self-critique: Gou et al. 2024, arXiv:2305.11738. It is free, and tried before the frontier is asked."""

REFUTED = "A second look says that this does not hold:\n{objection}"

IMPROBABLE = "Beside the evidence that it cites and what simple rules say, this has a probability of {confidence:.2f}."

GROUND_IT = (
    "That cannot be used: {why}\nGive an answer by the same schema that rests on evidence which was shown to you, "
    "cited by its id."
)
"""What a local model is told when nothing that it cites bears on its answer. It reconsiders once in all."""

MAX_OUTPUT_TOKENS = 250


class Verdict(Model):
    """What the second look says."""

    holds: bool
    confidence: float = Field(ge=0, le=1)
    objection: str


async def second_look(
    claim: Claim[Out],
    question: str,
    evidence: Mapping[str, Evidence],
    request: ModelRequest,
    talk: Conversation,
    showing: Showing,
) -> Verdict | None:
    """The verdict on a claim; None where nobody took a second look, which says nothing.

    Args:
        request: of the answer; purpose and urgency are taken from it.
        talk: the conversation; the second look sees none of its turns, only its costs are counted there.
    """
    other = [one for one in evidence.values() if one.id not in claim.cites]
    rendered = load("verify").render(
        question=question,
        answer=showing.block([showing.line(claim.said, 400)], 300),
        narrative=fence(showing.redactor.hide(claim.story.text), Stranger.TOOL, max_characters=1_500),
        cited=showing.digests([evidence[one] for one in claim.cites], 1_000),
        other=showing.digests(other, 1_200),
    )
    asked = request.model_copy(
        update={
            "task": ModelTask.VERIFICATION,
            "messages": rendered.messages,
            "response_schema": response_schema(Verdict, {}),
            "max_output_tokens": MAX_OUTPUT_TOKENS,
        }
    )
    talk.look = None
    try:
        return await talk.hear(asked, Verdict, {}, _as_it_is)
    except (InvalidInput, SourceError):
        talk.notes += ("nobody took a second look",)
        return None


def against(confidence: float, verdict: Verdict) -> float:
    """What is left of a confidence after a verdict; never more than there was."""
    doubt = 1 - verdict.confidence
    taken = DOUBT_ODDS * max(0.0, 2 * doubt - 1) if verdict.holds else REFUTED_ODDS + (1 - REFUTED_ODDS) * doubt
    odds = log_odds(confidence) - taken
    left = min(confidence, probability(1 / (1 + exp(-odds)))) if taken > 0 else confidence
    return left if verdict.holds else min(left, REFUTED_AT_MOST)


def _as_it_is(verdict: Verdict) -> Verdict:
    return verdict
