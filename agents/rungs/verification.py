"""The second look: a model tries to refute an answer. It may only lower the confidence; its silence says nothing."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from agents.fencing import Stranger, fence
from agents.prompting import load
from agents.rungs.conversation import Conversation
from agents.rungs.schema import response_schema
from agents.rungs.showing import Showing
from agents.spec import Claim, Out
from core.errors import InvalidInput, SourceError
from core.llm import ModelRequest
from core.models import Evidence, Model

REFUTED = 0.5
"""No confidence above it is left to an answer that does not hold."""

WORTH_IT = 0.6
"""An answer that is less sure climbs anyway: nobody needs to refute it."""

MAX_OUTPUT_TOKENS = 250


class Verdict(Model):
    """What the second look says."""

    holds: bool
    confidence: float = Field(ge=0, le=1)
    objection: str


async def lowered(
    confidence: float,
    claim: Claim[Out],
    question: str,
    evidence: Mapping[str, Evidence],
    request: ModelRequest,
    talk: Conversation,
    showing: Showing,
) -> float:
    """The confidence after the second look, never above what it was.

    Args:
        request: of the answer; task and purpose are taken from it.
        talk: the conversation; the second look sees none of its turns, only its costs are counted there.
    """
    other = [one for one in evidence.values() if one.id not in claim.cites]
    rendered = load("verify").render(
        question=question,
        answer=showing.line(claim.said, 400),
        narrative=fence(showing.redactor.hide(claim.story.text), Stranger.TOOL, max_characters=1_500),
        cited=showing.digests([evidence[one] for one in claim.cites], 1_000),
        other=showing.digests(other, 1_200),
    )
    asked = request.model_copy(
        update={
            "messages": rendered.messages,
            "response_schema": response_schema(Verdict, {}),
            "max_output_tokens": MAX_OUTPUT_TOKENS,
        }
    )
    talk.look = None
    try:
        verdict = await talk.hear(asked, Verdict, {}, _as_it_is)
    except (InvalidInput, SourceError):
        talk.notes += ("nobody took a second look",)
        return confidence
    if verdict.holds:
        return min(confidence, verdict.confidence) if verdict.confidence < REFUTED else confidence
    return min(confidence, verdict.confidence, REFUTED)


def _as_it_is(verdict: Verdict) -> Verdict:
    return verdict
