"""One conversation with a model: what is sent, what comes back, one correction, and what all of it cost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from agents.looking.progress import Looked
from agents.redaction import Redactor
from agents.rungs.schema import quotable, read_response
from core.errors import InvalidInput, SourceError
from core.llm import Message, ModelReply, ModelRequest, Speaker
from core.models import Evidence, Model
from core.ports import ChatModel, SourceStatus
from core.spending import USD_DIGITS

T = TypeVar("T")

MAX_QUOTED_CHARACTERS = 2_000
"""Of a wrong answer that is shown to its author again."""

CORRECTION = (
    "That answer is not valid: {problem}. Answer again, with one JSON object that obeys the schema, and nothing else."
)


class Conversation:
    """Requests to one model, all under one redactor.

    Args:
        redactor: what is sent goes through it a last time, so that nothing is forgotten; answers are restored by it.

    Attributes:
        look: lets the model ask for more evidence before it answers; None: it answers from the prompt.
        looked_at: evidence that it asked for.
        cost_usd: of all requests so far, those included that gave no answer, and the turns of a look that broke off.
        notes, model_name: of all answers so far.
        said: the newest answer, as the model may see it again.
    """

    def __init__(self, model: ChatModel, redactor: Redactor) -> None:
        self._model = _Tallied(model, self)
        self.redactor = redactor
        self.look: Callable[[ChatModel, ModelRequest, Redactor], Awaitable[Looked]] | None = None
        self.looked_at: tuple[Evidence, ...] = ()
        self.cost_usd = 0.0
        self.notes: tuple[str, ...] = ()
        self.model_name = ""
        self.said = ""

    async def hear(
        self,
        request: ModelRequest,
        response: type[Model],
        choices: Mapping[str, tuple[str, ...]],
        read: Callable[[Any], T],
    ) -> T:
        """What `read` makes of a valid answer; an invalid one may be corrected once.

        Raises:
            InvalidInput: the correction was not valid either.
            SourceError: as `core.ports.ChatModel.complete`.
        """
        request = self._hidden(request)
        reply = await self._first(request)
        try:
            return self._read(reply, response, choices, read)
        except InvalidInput as error:
            problem = self.redactor.hide(error.message)
        corrected = again(request, self.said, CORRECTION.format(problem=problem))
        reply = self._booked(await self._model.complete(corrected))
        return self._read(reply, response, choices, read)

    async def _first(self, request: ModelRequest) -> ModelReply:
        if self.look is None:
            return self._booked(await self._model.complete(request))
        looked = await self.look(self._model, request, self.redactor)
        self.looked_at += looked.evidence
        return self._booked(looked.reply)

    def _read(
        self, reply: ModelReply, response: type[Model], choices: Mapping[str, tuple[str, ...]], read: Callable[[Any], T]
    ) -> T:
        if reply.cut:
            raise InvalidInput("it ended at the limit of tokens", path="answer")
        return read(read_response(reply.text, response, choices, self.redactor.restore))

    def _hidden(self, request: ModelRequest) -> ModelRequest:
        """The builders hid every text already; this catches what one of them forgot."""
        messages = tuple(each.model_copy(update={"text": self.redactor.hide(each.text)}) for each in request.messages)
        return request.model_copy(update={"messages": messages})

    def _booked(self, reply: ModelReply) -> ModelReply:
        self.notes = tuple(dict.fromkeys((*self.notes, *reply.notes)))
        self.model_name, self.said = reply.model, quotable(reply.text, self.redactor.hide)
        return reply


class _Tallied:
    """The model of a conversation, which is told what each request cost, whoever makes it and whatever comes of it."""

    def __init__(self, model: ChatModel, talk: Conversation) -> None:
        self.rung = model.rung
        self._model = model
        self._talk = talk

    async def complete(self, request: ModelRequest) -> ModelReply:
        """As the model."""
        try:
            reply = await self._model.complete(request)
        except SourceError as error:
            self._add(error.cost_usd)
            raise
        self._add(reply.cost_usd)
        return reply

    async def status(self) -> SourceStatus:
        """As the model."""
        return await self._model.status()

    def _add(self, usd: float) -> None:
        self._talk.cost_usd = round(self._talk.cost_usd + usd, USD_DIGITS)


def again(request: ModelRequest, said: str, told: str) -> ModelRequest:
    """The request with what was answered, and what is said to that; what is said was hidden before."""
    answered = Message(speaker=Speaker.ASSISTANT, text=said[:MAX_QUOTED_CHARACTERS] or "(nothing)")
    messages = (*request.messages, answered, Message(speaker=Speaker.USER, text=told))
    return request.model_copy(update={"messages": messages})
