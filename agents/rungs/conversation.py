"""One conversation with a model: what is sent, what comes back, one correction, and what all of it cost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from agents.looking.progress import Looked
from agents.redaction import Redactor
from agents.rungs.schema import read_response
from core.errors import InvalidInput
from core.llm import Message, ModelReply, ModelRequest, Speaker
from core.models import Evidence, Model
from core.ports import ChatModel

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
        cost_usd, notes, model_name: of all requests so far.
        said: the newest answer, as the model wrote it.
    """

    def __init__(self, model: ChatModel, redactor: Redactor) -> None:
        self._model = model
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
        corrected = again(request, reply.text, CORRECTION.format(problem=problem))
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
        self.cost_usd = round(self.cost_usd + reply.cost_usd, 9)
        self.notes = tuple(dict.fromkeys((*self.notes, *reply.notes)))
        self.model_name, self.said = reply.model, reply.text
        return reply


def again(request: ModelRequest, said: str, told: str) -> ModelRequest:
    """The request with what was answered, and what is said to that; what is said was hidden before."""
    answered = Message(speaker=Speaker.ASSISTANT, text=said[:MAX_QUOTED_CHARACTERS] or "(nothing)")
    messages = (*request.messages, answered, Message(speaker=Speaker.USER, text=told))
    return request.model_copy(update={"messages": messages})
