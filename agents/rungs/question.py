"""One question under way: an answer is heard, founded, weighed and looked at a second time.

A model is told at most once that its answer will not do, whether nothing bears on it or its own second look refutes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic

from pydantic import BaseModel

from agents.fencing import Stranger, fence
from agents.rungs import verification
from agents.rungs.confidence import confidence_of
from agents.rungs.conversation import Conversation, again
from agents.rungs.schema import response_schema
from agents.rungs.showing import Showing, by_id
from agents.spec import AgentSpec, Claim, In, Out, Prompted
from core.errors import InvalidInput, SourceError
from core.llm import ModelRequest
from core.models import Evidence, Rung

RECONSIDERED = -0.5
"""What the features lose in agreement when a model says something else than at first."""

SHARED = 0.5
"""From this probability on, the rules give the answer of a model themselves: nobody needs to refute it."""


@dataclass(frozen=True, slots=True)
class Before(Generic[Out]):
    """What lower rungs said of the same question.

    Attributes:
        rules: the rules' result; None when they gave none.
        models: results of other models.
    """

    rules: Out | None = None
    models: Sequence[Out] = ()


@dataclass(slots=True)
class Question(Generic[In, Out]):
    """What is asked, of whom, and what came of it so far.

    Attributes:
        request: as it is put first; the schema of the answer is added here.
        known: evidence that may be cited: what the agent was given, and what the model looked at.
        told: whether the model was told that its answer will not do.
    """

    spec: AgentSpec[In, Out]
    prompted: Prompted[In, Out]
    rung: Rung
    given: In
    before: Before[Out]
    talk: Conversation
    showing: Showing
    request: ModelRequest
    known: dict[str, Evidence] = field(init=False)
    choices: dict[str, tuple[str, ...]] = field(init=False)
    told: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        hide = self.talk.redactor.hide
        self.known = dict(by_id(self.prompted.evidence(self.given)))
        self.choices = dict(self.prompted.choices(self.given, self.before.rules))
        hidden = {name: tuple(hide(each) for each in values) for name, values in self.choices.items()}
        schema = response_schema(self.prompted.response, hidden)
        self.request = self.request.model_copy(update={"response_schema": schema})

    async def claim(self) -> Claim[Out]:
        """The model's claim; a local model may found it once when nothing that it cites bears on it.

        Raises:
            InvalidInput, SourceError: as `Conversation.hear`.
        """
        claim = await self._hear(self.request)
        if not claim.groundless or self.rung is not Rung.LOCAL:
            return claim
        return await self._tell(
            self.talk.said, verification.GROUND_IT.format(why=self.talk.redactor.hide(claim.groundless))
        )

    async def weighed(self, claim: Claim[Out]) -> tuple[Claim[Out], float]:
        """The claim and how sure it is, 0..1, after a second look; a local model thinks again about a doubtful one.

        Never raises: a second look that nobody takes, and a second thought that comes to nothing, leave it as it is.
        """
        confidence, said = self._confidence(claim, changed=self.told), self.talk.said
        if claim.support is not None and claim.support >= SHARED:
            return claim, confidence
        doubt = verification.IMPROBABLE.format(confidence=confidence)
        if confidence >= verification.WORTH_IT:
            if not self.prompted.verified:
                return claim, confidence
            verdict = await verification.second_look(
                claim, self.spec.description, self.known, self.request, self.talk, self.showing
            )
            if verdict is None:
                return claim, confidence
            confidence = verification.against(confidence, verdict)
            if verdict.holds:
                return claim, confidence
            objection = fence(self.talk.redactor.hide(verdict.objection), Stranger.TOOL, max_characters=400)
            doubt = verification.REFUTED.format(objection=objection)
        if self.told or self.rung is not Rung.LOCAL or not self.spec.weighty:
            return claim, confidence
        other = await self._thought(said, doubt)
        if other is None:
            return claim, confidence
        return other, confidence if self._same(claim, other) else self._confidence(other, changed=True)

    async def _thought(self, said: str, doubt: str) -> Claim[Out] | None:
        """What the model says when it thinks again, without looking further; None when nothing came of it."""
        self.talk.look = None
        try:
            other = await self._tell(said, f"{doubt}\n{verification.RECONSIDER}")
        except (InvalidInput, SourceError):
            other = None
        if other is None or other.groundless:
            self.talk.notes += ("nothing came of thinking again",)
            return None
        return other

    async def _tell(self, said: str, told: str) -> Claim[Out]:
        self.told = True
        return await self._hear(again(self.request, said, told))

    async def _hear(self, request: ModelRequest) -> Claim[Out]:
        return await self.talk.hear(request, self.prompted.response, self.choices, self._read)

    def _read(self, response: BaseModel) -> Claim[Out]:
        self.known.update(by_id(self.talk.looked_at))
        return self.prompted.read(response, self.given, self.before.rules, self.known)

    def _confidence(self, claim: Claim[Out], *, changed: bool) -> float:
        """By the calibrator: other models that said the same speak for it, those that said another thing against."""
        result = claim.settle(0.5, Rung.LOCAL)
        votes = [self.spec.same(result, other) for other in self.before.models]
        agreement = votes.count(True) - votes.count(False) + (RECONSIDERED if changed else 0.0)
        return confidence_of(claim, self.known, self.rung, agreement)

    def _same(self, one: Claim[Out], other: Claim[Out]) -> bool:
        return self.spec.same(one.settle(0.5, Rung.LOCAL), other.settle(0.5, Rung.LOCAL)) is True
