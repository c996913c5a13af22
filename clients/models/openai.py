"""The rung `frontier`: an OpenAI-compatible server (https://platform.openai.com/docs/api-reference/chat)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from clients import failures
from clients.failures import Server
from clients.http import JsonApi
from clients.models.asking import Asker
from clients.models.contexts import fit
from clients.models.conversation import converse, langchain_messages, tool_schemas
from clients.models.counting import o200k_tokens, request_tokens
from clients.models.settings import FrontierSettings, request_body
from core.clock import Clock
from core.errors import SourceError
from core.llm import ModelReply, ModelRequest
from core.models.base import Rung
from core.ports import SourceStatus

OPENAI_HOSTS = (".openai.com", ".azure.com")
"""Domains of servers that are OpenAI's own."""

NO_KEY = "none"
"""Sent where no key is configured: the library insists on one, local servers ignore it."""
NOT_COUNTED = "the server did not count tokens: counted here"


class FrontierModels:
    """`core.ports.ChatModel` on one server. Answers are streamed, so that a broken one is told from a short one.

    Close it after use.

    Args:
        settings: with an address.
    """

    rung = Rung.FRONTIER

    def __init__(self, settings: FrontierSettings, clock: Clock) -> None:
        from langchain_openai import ChatOpenAI
        from openai import OpenAIError

        self._settings = settings
        self._clock = clock
        self._server = Server("the OpenAI API", "models.frontier", settings.url)
        reached: dict[str, Any] = {"verify": settings.tls_context(), "trust_env": False, "follow_redirects": False}
        self._http = httpx.AsyncClient(**reached, timeout=None)  # noqa: S113  # every call has its own deadline
        self._sync_http = httpx.Client(**reached, timeout=None)  # noqa: S113  # langchain makes one otherwise; never used
        self._model = ChatOpenAI(
            model=settings.choice.default,
            base_url=settings.url,
            api_key=settings.bearer_token or SecretStr(NO_KEY),
            default_headers=settings.headers if settings.username else None,
            http_async_client=self._http,
            http_client=self._sync_http,
            openai_proxy="",
            max_retries=0,
            stream_usage=True,
            stream_chunk_timeout=None,
            use_responses_api=False,
        )
        self._asker = Asker(self._server, settings, (OpenAIError,), clock)
        self._limit = limit_name(settings.url)

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Answer once; raises as `core.ports.ChatModel.complete`."""
        deadline = request.deadline_seconds or self._settings.deadlines[request.task]
        started = self._clock.monotonic()
        reply = await self._asker.ask(request.task, deadline, lambda: self._answer(request))
        return reply.model_copy(update={"seconds": self._clock.monotonic() - started})

    async def status(self) -> SourceStatus:
        """Whether it answers and takes the key, and which of the wanted models it lists."""
        name = "models frontier"
        try:
            listed = await JsonApi(self._server, self._settings, self._clock).get_json("/models")
            there = {str(each["id"]) for each in listed["data"]}
        except SourceError as error:
            return SourceStatus(name=name, configured=True, detail=error.message, fix=error.fix)
        except (LookupError, TypeError):
            unknown = failures.unexpected(self._server, "no list of models")
            return SourceStatus(name=name, configured=True, detail=unknown.message, fix=unknown.fix)
        missing = [each for each in self._settings.choice.named if each not in there]
        detail = f"{len(there)} models" + (f"; not listed: {', '.join(missing)}" if missing else "")
        fix = "correct models.frontier.choice, unless the server takes any name" if missing else ""
        return SourceStatus(name=name, configured=True, reachable=True, detail=detail, fix=fix)

    async def close(self) -> None:
        """Let the connections go."""
        await self._http.aclose()
        self._sync_http.close()

    async def _answer(self, request: ModelRequest) -> ModelReply:
        choice = self._settings.choice
        model = choice.wanted(request.task, urgent=request.urgent, agent=request.purpose.agent)
        fitted, notes = fit(request, self._settings.context_tokens - request.max_output_tokens, o200k_tokens)
        offered: dict[str, Any] = {"tools": tool_schemas(fitted.tools)} if fitted.tools else {}
        body: dict[str, Any] = {self._limit: request.max_output_tokens}
        if fitted.response_schema:
            # Not as `response_format`: the library would then insist on parsing, and raise where the answer is cut.
            body["response_format"] = response_format(fitted.response_schema)
        answer = await converse(
            self._model,
            langchain_messages(fitted.messages),
            self._server,
            self._settings.max_body_bytes,
            model=model,
            extra_body=body,
            **request_body(self._settings),
            **offered,
        )
        counted = answer.prompt_tokens > 0
        output = answer.text + "".join(call.name + call.arguments for call in answer.tool_calls)
        return ModelReply(
            text=answer.text,
            tool_calls=answer.tool_calls,
            model=model,
            rung=self.rung,
            prompt_tokens=answer.prompt_tokens if counted else request_tokens(fitted, o200k_tokens),
            output_tokens=answer.output_tokens if counted else o200k_tokens(output),
            cut=answer.finish == "length",
            notes=notes if counted else (*notes, NOT_COUNTED),
        )


def limit_name(url: str) -> str:
    """How the server at that address calls the most tokens that an answer may have, which bounds what it costs.

    OpenAI has deprecated ``max_tokens``, and its reasoning models refuse it
    (https://platform.openai.com/docs/api-reference/chat/create). Many compatible servers know nothing else and write
    without end when told otherwise (https://github.com/ggml-org/llama.cpp/issues/13700,
    https://github.com/abetlen/llama-cpp-python/issues/1907).
    """
    host = urlsplit(url).hostname or ""
    return "max_completion_tokens" if f".{host}".endswith(OPENAI_HOSTS) else "max_tokens"


def response_format(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema as the API takes it; strict where it obeys the rules for that.

    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": is_closed(schema)}}


def is_closed(schema: Any) -> bool:
    """Whether every object in a JSON Schema forbids further properties and requires all that it has."""
    if isinstance(schema, list):
        return all(is_closed(each) for each in schema)
    if not isinstance(schema, dict):
        return True
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, dict):
        required = set(schema.get("required") or ())
        if schema.get("additionalProperties") is not False or required != set(properties or ()):
            return False
    return all(is_closed(each) for each in schema.values())
