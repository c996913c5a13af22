"""An OpenAI-compatible server behind real HTTP, from a script: as much of it as clients ask for.

https://platform.openai.com/docs/api-reference/chat; held to recordings of a real OpenAI-compatible server in
`tests/contracts/test_model_recordings.py`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.fakes.script import Fail, Say, Script, served

CREATED = 1_795_213_133
PIECE = 8
"""Characters of one streamed piece."""


class Cut(Exception):
    """Ends a connection in the middle of an answer."""


@dataclass
class FakeOpenAI:
    """The server.

    Attributes:
        key: that must be sent; empty: none.
        context: tokens that a prompt may have.
        characters_per_token: how it counts them.
        models: that `/v1/models` lists; a chat takes any name, as llama.cpp's server does.
        embeds: whether embeddings are switched on.
    """

    script: Script
    key: str = "sk-test"
    context: int = 128_000
    characters_per_token: int = 4
    models: tuple[str, ...] = ("gpt-4o", "gpt-4o-mini")
    embeds: bool = True
    url: str = ""

    def app(self) -> Starlette:
        """Its routes."""
        routes = [
            Route("/v1/chat/completions", self.chat, methods=["POST"]),
            Route("/v1/models", self.list_models),
            Route("/v1/embeddings", self.embed, methods=["POST"]),
        ]
        return Starlette(routes=routes, exception_handlers={404: _not_found, 405: _not_found})

    async def chat(self, request: Request) -> Response:
        """One turn, at once or streamed."""
        refused = self._refuse(request)
        if refused is not None:
            return refused
        try:
            asked = json.loads(await request.body())
        except ValueError:
            return _error(500, "parse error", "server_error")
        wrong = self._wrong(asked)
        if wrong is not None:
            return wrong
        step = await self.script.take(asked)
        if isinstance(step, Fail):
            return Response(step.body, step.status, dict(step.headers), step.content_type)
        if asked.get("stream"):
            return StreamingResponse(_stream(step, asked), media_type="text/event-stream")
        return JSONResponse(_completion(step, asked))

    async def list_models(self, request: Request) -> Response:
        """What can be asked."""
        data = [{"id": name, "object": "model", "created": CREATED, "owned_by": "fake"} for name in self.models]
        return self._refuse(request) or JSONResponse({"object": "list", "data": data})

    async def embed(self, request: Request) -> Response:
        """Vectors that depend on the text only: letters counted."""
        if (refused := self._refuse(request)) is not None:
            return refused
        if not self.embeds:
            return _error(501, "This server does not support embeddings", "not_supported_error")
        asked = json.loads(await request.body())
        texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
        data = [
            {"object": "embedding", "index": index, "embedding": embedding(text)} for index, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
        return JSONResponse({"object": "list", "data": data, "model": asked["model"], "usage": usage})

    def _refuse(self, request: Request) -> Response | None:
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            return _error(401, "Invalid API Key", "authentication_error")
        return None

    def _wrong(self, asked: dict[str, Any]) -> Response | None:
        """What a real server refuses before any model sees it."""
        if "messages" not in asked:
            return _error(400, "'messages' is required", "invalid_request_error")
        choice = asked.get("tool_choice", "auto")
        if isinstance(choice, str) and choice not in ("auto", "none", "required"):
            return _error(400, f"Invalid tool_choice: {choice}", "invalid_request_error")
        schema = ((asked.get("response_format") or {}).get("json_schema") or {}).get("schema") or {}
        if nowhere := next(dangling(schema, schema), None):
            return _error(400, f"JSON schema error: cannot resolve $ref {nowhere}", "invalid_request_error")
        characters = sum(len(str(message.get("content") or "")) for message in asked["messages"])
        tokens = characters // self.characters_per_token
        if tokens > self.context:
            told = f"request ({tokens} tokens) exceeds the available context size ({self.context} tokens)"
            return _error(400, told, "exceed_context_size_error", n_prompt_tokens=tokens, n_ctx=self.context)
        return None


def dangling(part: Any, schema: dict[str, Any]) -> Iterator[str]:
    """References within a JSON Schema that point nowhere in it (RFC 6901, section 6)."""
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from dangling(each, schema)
    target = part.get("$ref") if isinstance(part, dict) else None
    if isinstance(target, str):
        found: Any = schema
        for name in target.removeprefix("#").split("/")[1:]:
            found = found.get(name) if isinstance(found, dict) else None
        if found is None:
            yield target


def embedding(text: str, length: int = 26) -> list[float]:
    """How often each letter occurs, as a unit vector."""
    counts = [float(text.lower().count(chr(ord("a") + index))) for index in range(length)]
    norm = sum(count * count for count in counts) ** 0.5 or 1.0
    return [count / norm for count in counts]


def _completion(step: Say, asked: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": step.text}
    if step.calls:
        message["tool_calls"] = [_call(index, step) for index in range(len(step.calls))]
    choice = {"index": 0, "message": message, "finish_reason": _finish(step)}
    return {**_head(asked, "chat.completion"), "choices": [choice], "usage": _usage(step)}


async def _stream(step: Say, asked: dict[str, Any]) -> AsyncIterator[str]:
    head = _head(asked, "chat.completion.chunk")
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": None}]
    deltas += [{"content": step.text[at : at + PIECE]} for at in range(0, len(step.text), PIECE)]
    deltas += [{"tool_calls": [{"index": index, **_call(index, step)}]} for index in range(len(step.calls))]
    for index, delta in enumerate(deltas):
        if step.cut and index > len(deltas) // 2:
            raise Cut
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        yield f"data: {json.dumps({**head, 'choices': [choice]})}\n\n"
    if step.cut:
        raise Cut
    yield f"data: {json.dumps({**head, 'choices': [{'index': 0, 'delta': {}, 'finish_reason': _finish(step)}]})}\n\n"
    if (asked.get("stream_options") or {}).get("include_usage"):
        yield f"data: {json.dumps({**head, 'choices': [], 'usage': _usage(step)})}\n\n"
    yield "data: [DONE]\n\n"


def _call(index: int, step: Say) -> dict[str, Any]:
    call = step.calls[index]
    return {"id": f"call_{index}", "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _finish(step: Say) -> str:
    return "length" if step.full else "tool_calls" if step.calls else "stop"


def _usage(step: Say) -> dict[str, int]:
    total = step.prompt_tokens + step.output_tokens
    return {"prompt_tokens": step.prompt_tokens, "completion_tokens": step.output_tokens, "total_tokens": total}


def _head(asked: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-fake", "object": kind, "created": CREATED, "model": asked.get("model", "")}


def _error(status: int, message: str, kind: str, **more: Any) -> Response:
    return JSONResponse({"error": {"code": status, "message": message, "type": kind, **more}}, status)


async def _not_found(request: Request, error: Exception) -> Response:
    return _error(404, "File Not Found", "not_found_error")


@contextlib.asynccontextmanager
async def openai_server(script: Script, **options: Any) -> AsyncIterator[FakeOpenAI]:
    """A running server; at the end its script must be used up."""
    fake = FakeOpenAI(script, **options)
    async with served(fake.app(), script) as url:
        fake.url = url
        yield fake
