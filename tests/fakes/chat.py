"""A chat model at the port: it recites answers and remembers what it was asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from core.llm import ModelReply, ModelRequest, ToolCall
from core.models import Rung
from core.ports import SourceStatus

Answer = str | tuple[tuple[str, str], ...] | Exception
"""Text, or calls as (name, arguments), or an error that is raised."""


class ReciteModel:
    """`core.ports.ChatModel` from a list of answers, or from a function once the list is used up."""

    def __init__(
        self,
        answers: Iterable[Answer] = (),
        actor: Callable[[ModelRequest], Answer] | None = None,
        rung: Rung = Rung.LOCAL,
        prompt_tokens: int = 100,
    ) -> None:
        self.rung = rung
        self.answers = deque(answers)
        self.requests: list[ModelRequest] = []
        self._actor = actor
        self._prompt_tokens = prompt_tokens

    async def complete(self, request: ModelRequest) -> ModelReply:
        """The next answer; calls get no ids, as from some servers."""
        self.requests.append(request)
        if self.answers:
            answer = self.answers.popleft()
        elif self._actor is not None:
            answer = self._actor(request)
        else:
            raise AssertionError("the model was asked more often than it has answers")
        if isinstance(answer, Exception):
            raise answer
        text = answer if isinstance(answer, str) else ""
        calls = () if isinstance(answer, str) else answer
        return ModelReply(
            text=text,
            tool_calls=tuple(ToolCall(id="", name=name, arguments=arguments) for name, arguments in calls),
            model="recite",
            rung=self.rung,
            prompt_tokens=self._prompt_tokens,
            output_tokens=10,
            cost_usd=0.001,
            seconds=0.5,
        )

    async def status(self) -> SourceStatus:
        return SourceStatus(name="recite", configured=True, reachable=True)
