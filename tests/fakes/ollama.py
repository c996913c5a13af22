"""An Ollama behind real HTTP, from a script: https://github.com/ollama/ollama/blob/main/docs/api.md.

Answers are newline-delimited JSON, streamed unless `stream` is false; a model is loaded with one context size, and
another size loads it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.fakes.openai import PIECE, Cut, embedding
from tests.fakes.script import Fail, Say, Script, served

VERSION = "0.12.6"
AT = "2026-03-03T12:00:00.000000Z"
SECOND = 1_000_000_000


@dataclass
class FakeOllama:
    """The server.

    Attributes:
        pulled: capabilities by model; `phi3:mini` has no tools, so that a chat with tools is a 400.
        reload_seconds: what `load_duration` says of an answer before which a model was loaded.
        reload: what such an answer waits for; None: nothing, so that tests need no time.
        loads: model and context size of every load, in order.
    """

    script: Script
    pulled: dict[str, tuple[str, ...]] = field(
        default_factory=lambda: {
            "phi3:mini": ("completion",),
            "phi3:medium": ("completion",),
            "mistral:7b": ("completion", "tools"),
        }
    )
    context_length: int = 32_768
    reload_seconds: float = 8.0
    reload: asyncio.Event | None = None
    loads: list[tuple[str, int]] = field(default_factory=list)
    url: str = ""

    def app(self) -> Starlette:
        """Its routes."""
        routes = [
            Route("/api/chat", self.chat, methods=["POST"]),
            Route("/api/tags", self.tags),
            Route("/api/show", self.show, methods=["POST"]),
            Route("/api/pull", self.pull, methods=["POST"]),
            Route("/api/embed", self.embed, methods=["POST"]),
            Route("/api/version", self.version),
        ]
        return Starlette(routes=routes)

    async def chat(self, request: Request) -> Response:
        """One turn, streamed unless told otherwise."""
        asked = json.loads(await request.body())
        model = _full(asked.get("model", ""))
        if model not in self.pulled:
            return JSONResponse({"error": f"model '{model}' not found"}, 404)
        if asked.get("tools") and "tools" not in self.pulled[model]:
            return JSONResponse({"error": f"registry.ollama.ai/library/{model} does not support tools"}, 400)
        load = await self._load(model, (asked.get("options") or {}).get("num_ctx", 4096))
        step = await self.script.take(asked)
        if isinstance(step, Fail):
            return Response(step.body, step.status, dict(step.headers), step.content_type)
        if asked.get("stream", True):
            return StreamingResponse(_stream(step, model, load), media_type="application/x-ndjson")
        return JSONResponse({**_part(model, step.text, step), **_end(step, load)})

    async def _load(self, model: str, context: int) -> float:
        """Seconds until the model is there with that context; meanwhile nobody gets an answer."""
        if self.loads and self.loads[-1] == (model, context):
            return 0.0
        self.loads.append((model, context))
        if self.reload is not None:
            await self.reload.wait()
        return self.reload_seconds

    async def tags(self, request: Request) -> Response:
        """What is pulled."""
        return JSONResponse({"models": [self._tag(name) for name in self.pulled]})

    def _tag(self, name: str) -> dict[str, Any]:
        details = {"format": "gguf", "family": "llama", "parameter_size": "7.2B", "quantization_level": "Q4_0"}
        return {
            "name": name,
            "model": name,
            "modified_at": AT,
            "size": 4_109_865_159,
            "digest": "f" * 64,
            "details": details,
        }

    async def show(self, request: Request) -> Response:
        """What one model can do."""
        asked = json.loads(await request.body())
        name = _full(asked.get("model") or asked.get("name") or "")
        if name not in self.pulled:
            return JSONResponse({"error": f"model '{name}' not found"}, 404)
        info = {"general.architecture": "llama", "llama.context_length": self.context_length}
        shown = {"details": self._tag(name)["details"], "model_info": info, "capabilities": list(self.pulled[name])}
        return JSONResponse({"modelfile": "", "template": "", "modified_at": AT, **shown})

    async def pull(self, request: Request) -> Response:
        """Progress, then the model is there; one whose name ends in `:none` does not exist."""
        asked = json.loads(await request.body())
        name = _full(asked.get("model") or asked.get("name") or "")
        if name.endswith(":none"):
            lines = [{"status": "pulling manifest"}, {"error": "pull model manifest: file does not exist"}]
        else:
            layer = {"status": "pulling 633fc5be925f", "digest": "sha256:633f", "total": 100}
            lines = [{"status": "pulling manifest"}, *({**layer, "completed": done} for done in (10, 100))]
            lines.append({"status": "success"})
            self.pulled.setdefault(name, ("completion", "tools"))
        if asked.get("stream", True):
            return StreamingResponse((json.dumps(line) + "\n" for line in lines), media_type="application/x-ndjson")
        return JSONResponse(lines[-1], 500 if "error" in lines[-1] else 200)

    async def embed(self, request: Request) -> Response:
        """Vectors that depend on the text only."""
        asked = json.loads(await request.body())
        texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
        return JSONResponse({"model": asked["model"], "embeddings": [embedding(text) for text in texts]})

    async def version(self, request: Request) -> Response:
        """Which Ollama it says it is."""
        return JSONResponse({"version": VERSION})


def _full(name: str) -> str:
    """As Ollama lists it: no tag means `latest`."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _part(model: str, text: str, step: Say | None = None) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if step is not None and step.calls:
        message["tool_calls"] = [
            {"function": {"name": call.name, "arguments": json.loads(call.arguments)}} for call in step.calls
        ]
    return {"model": model, "created_at": AT, "message": message, "done": False}


def _end(step: Say, load_seconds: float) -> dict[str, Any]:
    return {
        "done": True,
        "done_reason": "length" if step.full else "stop",
        "total_duration": int((load_seconds + 1) * SECOND),
        "load_duration": int(load_seconds * SECOND),
        "prompt_eval_count": step.prompt_tokens,
        "prompt_eval_duration": SECOND // 2,
        "eval_count": step.output_tokens,
        "eval_duration": SECOND // 2,
    }


async def _stream(step: Say, model: str, load_seconds: float) -> AsyncIterator[str]:
    pieces = [step.text[at : at + PIECE] for at in range(0, len(step.text), PIECE)] or [""]
    for index, piece in enumerate(pieces):
        if step.cut and index >= len(pieces) // 2:
            raise Cut
        yield json.dumps(_part(model, piece)) + "\n"
    yield json.dumps({**_part(model, "", step), **_end(step, load_seconds)}) + "\n"


@contextlib.asynccontextmanager
async def ollama_server(script: Script, **options: Any) -> AsyncIterator[FakeOllama]:
    """A running server; at the end its script must be used up."""
    fake = FakeOllama(script, **options)
    async with served(fake.app(), script) as url:
        fake.url = url
        yield fake
