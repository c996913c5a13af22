"""The rung `local`: models on Ollama, by its own API (https://github.com/ollama/ollama/blob/main/docs/api.md)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

from clients import failures
from clients.connection import ConnectionSettings
from clients.failures import Server
from clients.http import JsonApi
from clients.models.asking import Asker
from clients.models.contexts import BUCKETS, bucket_for, fit
from clients.models.conversation import Answer, converse, langchain_messages, tool_schemas
from clients.models.counting import CorrectedEstimate, request_tokens
from clients.models.routing import Need, Route, full_name, route
from clients.models.settings import LocalSettings, request_body
from clients.models.shelf import Progress, Pulled, Shelf
from clients.models.speed import Measured, Speed, expected_seconds
from core.clock import Clock
from core.errors import SourceError
from core.llm import Message, ModelReply, ModelRequest, Speaker
from core.models.base import Rung
from core.ports import SourceStatus

MEASURED_TEXT = "Say what these numbers have in common, in one sentence: " + ", ".join(map(str, range(40, 100)))
MEASURED_TOKENS = 32
NO_TOOLS = "{} has no tools: asked without them"
NO_SCHEMA = "schema not enforced while tools are offered: Ollama's grammar would forbid the calls"


class LocalModels:
    """`core.ports.ChatModel` on one Ollama. Close it after use.

    Speeds and token counts are learned from every answer; `measure` learns them at start.

    Args:
        settings: with an address.
    """

    rung = Rung.LOCAL

    def __init__(self, settings: LocalSettings, clock: Clock) -> None:
        from langchain_ollama import ChatOllama
        from ollama import AsyncClient, RequestError, ResponseError

        self._settings = settings
        self._clock = clock
        self._server = Server("Ollama", "models.local", settings.url)
        self._refused = ResponseError
        client = _client_options(settings)
        self._model = ChatOllama(model=settings.choice.default, base_url=settings.url, client_kwargs=client)
        self._admin = AsyncClient(settings.url, **client)
        self._shelf = Shelf(self._admin, clock)
        self._asker = Asker(self._server, settings, (ResponseError, RequestError), clock)
        self._estimate = CorrectedEstimate()
        self._speeds: dict[str, Speed] = {}
        self._contexts: dict[str, int] = {}

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Answer once; raises as `core.ports.ChatModel.complete`."""
        deadline = request.deadline_seconds or self._settings.deadlines[request.task]
        started = self._clock.monotonic()
        reply = await self._asker.ask(request.task, deadline, lambda: self._answer(request, deadline))
        return reply.model_copy(update={"seconds": self._clock.monotonic() - started})

    async def pulled(self) -> tuple[Pulled, ...]:
        """Every model that is there, smallest first.

        Raises:
            ModelUnavailable, ModelLate: Ollama does not answer.
        """
        return await self._asker.unguarded("its models", self._settings.timeout_seconds, self._shelf.look)

    async def pull(self, name: str) -> AsyncIterator[Progress]:
        """Download a model, however long it takes; raises as `pulled`, and SourceRejected when it does not exist."""
        steps = self._shelf.pull(name)
        seconds = self._settings.load_seconds
        while (step := await self._asker.unguarded(name, seconds, lambda: anext(steps, None))) is not None:
            yield step

    async def measure(self, name: str) -> Speed | None:
        """Load a model and see how quick it is; None when the server does not count. Raises as `pulled`."""
        context = self._contexts.setdefault(name, BUCKETS[0])
        options = {**request_body(self._settings), "num_ctx": context, "num_predict": MEASURED_TOKENS}
        said = (Message(speaker=Speaker.USER, text=MEASURED_TEXT),)
        answer = await self._asker.unguarded(
            name, self._settings.load_seconds, lambda: self._converse(name, said, options=options)
        )
        return self._learn_speed(name, answer)

    async def prepare(self) -> Measured:
        """Measure every model that may be asked, so that what is too slow is not: those that the configuration names,
        or where none of them is pulled, the one that falls in for them.

        Raises:
            ModelError: Ollama does not answer.
        """
        there = [each.name for each in await self.pulled() if each.chats]
        named = tuple(map(full_name, self._settings.choice.named))
        speeds: dict[str, Speed] = {}
        failed: dict[str, SourceError] = {}
        for name in [name for name in named if name in there] or there[:1]:
            try:
                speed = await self.measure(name)
            except SourceError as error:
                failed[name] = error
                continue
            if speed is not None:
                speeds[name] = speed
        return Measured(speeds, failed, tuple(name for name in named if name not in there))

    async def status(self) -> SourceStatus:
        """Whether it answers, and which of the wanted models are there."""
        name = "models local"
        try:
            version = (await JsonApi(self._server, self._settings, self._clock).get_json("/api/version"))["version"]
            there = {each.name for each in await self.pulled() if each.chats}
        except SourceError as error:
            return SourceStatus(name=name, configured=True, detail=error.message, fix=error.fix)
        except (LookupError, TypeError):
            unknown = failures.unexpected(self._server, "no version")
            return SourceStatus(name=name, configured=True, detail=unknown.message, fix=unknown.fix)
        missing = [each for each in self._settings.choice.named if full_name(each) not in there]
        detail = f"{len(there)} models pulled" + (f"; not pulled: {', '.join(missing)}" if missing else "")
        fix = "run `quell models pull`" if missing else ""
        return SourceStatus(
            name=name, configured=True, reachable=bool(there), version=str(version), detail=detail, fix=fix
        )

    async def close(self) -> None:
        """Let the connections go."""
        await self._admin.close()  # type: ignore[no-untyped-call]
        await self._model._async_client.close()  # type: ignore[no-untyped-call]  # langchain has no way of its own
        self._model._client.close()  # type: ignore[no-untyped-call]

    async def _answer(self, request: ModelRequest, deadline: float) -> ModelReply:
        there = {each.name: each for each in await self._shelf.look() if each.chats}
        chosen = self._route(request, there, deadline)
        model = there[chosen.model]
        fitted, context, notes = self._fitted(request, model)
        body = {**request_body(self._settings), "num_ctx": context, "num_predict": request.max_output_tokens}
        offered: dict[str, Any] = {"tools": tool_schemas(fitted.tools)} if fitted.tools else {}
        if fitted.response_schema and not fitted.tools:
            offered["format"] = fitted.response_schema
        answer = await self._converse(model.name, fitted.messages, options=body, **offered)
        self._estimate.correct(model.name, fitted, answer.prompt_tokens)
        self._learn_speed(model.name, answer)
        if answer.prompt_tokens + request.max_output_tokens > context:
            notes += (f"the prompt has {answer.prompt_tokens} tokens: Ollama may have dropped its beginning",)
        return ModelReply(
            text=answer.text,
            tool_calls=answer.tool_calls,
            model=model.name,
            rung=self.rung,
            prompt_tokens=answer.prompt_tokens,
            output_tokens=answer.output_tokens,
            cut=answer.finish == "length",
            notes=(*chosen.notes, *notes),
        )

    def _route(self, request: ModelRequest, there: dict[str, Pulled], deadline: float) -> Route:
        too_slow = {}
        for name in there:
            if speed := self._speeds.get(name):
                size = request_tokens(request, self._estimate.counter(name))
                seconds = expected_seconds(speed, request.task, size, request.max_output_tokens)
                if seconds > deadline:
                    too_slow[name] = f"{name} needs about {seconds:.1f} s here, {deadline:g} s are allowed"
        need = Need(request.task, request.urgent, request.purpose.agent)
        return route(self._settings.choice, need, tuple(there), too_slow)

    def _fitted(self, request: ModelRequest, model: Pulled) -> tuple[ModelRequest, int, tuple[str, ...]]:
        """The request as that model can take it, its context, and what was done to it.

        A context once asked for stays the least that is asked for: a smaller one would load the model again too.
        """
        notes: list[str] = []
        if request.tools and not model.tools:
            request = request.model_copy(update={"tools": ()})
            notes.append(NO_TOOLS.format(model.name))
        elif request.tools and request.response_schema:
            notes.append(NO_SCHEMA)
        count = self._estimate.counter(model.name)
        needed = request_tokens(request, count) + request.max_output_tokens
        largest = min(self._settings.max_context_tokens, model.context_tokens)
        context = max(bucket_for(needed, largest), self._contexts.get(model.name, 0))
        fitted, shortened = fit(request, context - request.max_output_tokens, count)
        self._contexts[model.name] = context
        return fitted, context, (*notes, *shortened)

    async def _converse(self, model: str, messages: tuple[Message, ...], **options: Any) -> Answer:
        try:
            return await converse(
                self._model,
                langchain_messages(messages),
                self._server,
                self._settings.max_body_bytes,
                model=model,
                keep_alive=self._settings.keep_alive,
                **options,
            )
        except self._refused as error:
            if error.status_code == HTTPStatus.NOT_FOUND:
                self._shelf.forget()
            raise

    def _learn_speed(self, name: str, answer: Answer) -> Speed | None:
        speed = Speed.of(answer.details)
        if speed is not None:
            self._speeds[name] = speed
        return speed


def _client_options(settings: ConnectionSettings) -> dict[str, Any]:
    """For httpx; redirects are not followed, as they would take credentials elsewhere."""
    return {
        "headers": dict(settings.headers),
        "verify": settings.tls_context(),
        "follow_redirects": False,
        "trust_env": False,
        "timeout": None,  # every call has its own deadline
    }
