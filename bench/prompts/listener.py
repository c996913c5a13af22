"""A model that answers anything by its schema, and counts what it was shown."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from clients.models.counting import o200k_tokens
from core.llm import ModelReply, ModelRequest, Speaker, ToolCall
from core.models import Rung
from core.ports import SourceStatus
from core.tokens import request_tokens

_EVIDENCE = re.compile(r"ev_[0-9a-f]{12}")
_NAME = re.compile(r"container-\d{3}")
_CANDIDATE = re.compile(r"^\| (?P<service>\S+) (?P<kind>[a-z_]+) 0\.\d+: ", re.MULTILINE)


@dataclass
class Listener:
    """`core.ports.ChatModel` that names a candidate of the statistics and cites what it is shown.

    Attributes:
        confidence: of every answer.
        agrees: with the candidate that the statistics put first; otherwise it names their last one.
        calls: tools that it calls, a turn, while it is offered any.
        names: what services are called.
        shown: agent and tokens of each prompt, by the vocabulary of gpt-4o.
        written: tokens of all answers.
    """

    rung: Rung
    confidence: float = 0.9
    calls: tuple[tuple[str, ...], ...] = ()
    agrees: bool = True
    names: re.Pattern[str] = _NAME
    shown: list[tuple[str, int]] = field(default_factory=list)
    written: int = 0

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Calls as long as there are some left and tools are offered, then an answer."""
        size = request_tokens(request, o200k_tokens)
        self.shown.append((request.purpose.agent, size))
        text = "\n".join(each.text for each in request.messages if each.speaker is not Speaker.SYSTEM)
        turn = sum(each.speaker is Speaker.ASSISTANT for each in request.messages)
        calls: tuple[ToolCall, ...] = ()
        if request.tools and turn < len(self.calls):
            calls = tuple(self._call(tool, number, text) for number, tool in enumerate(self.calls[turn]))
        said = "" if calls else json.dumps(self._filled(request.response_schema or {}, {}, text))
        output = o200k_tokens(said) + sum(o200k_tokens(each.name + each.arguments) for each in calls)
        self.written += output
        return ModelReply(
            text=said, tool_calls=calls, model="listener", rung=self.rung, prompt_tokens=size, output_tokens=output
        )

    async def status(self) -> SourceStatus:
        return SourceStatus(name="listener", configured=True, reachable=True)

    def _filled(self, node: dict[str, Any], root: dict[str, Any], text: str, name: str = "") -> Any:
        """A value that the schema allows."""
        root = root or node
        if "$ref" in node:
            node = root["$defs"][node["$ref"].rsplit("/", 1)[1]]
        if "enum" in node:
            candidates = list(_CANDIDATE.finditer(text)) if name in ("service", "kind") else []
            wanted = candidates[0 if self.agrees else -1][name] if candidates else ""
            return wanted if wanted in node["enum"] else node["enum"][0]
        match node.get("type"):
            case "object":
                return {key: self._filled(each, root, text, key) for key, each in node.get("properties", {}).items()}
            case "array":
                if name.startswith("evidence") and "against" not in name:
                    return _EVIDENCE.findall(text)[:3]
                return [] if "against" in name else [self._filled(node["items"], root, text, name)]
            case "integer":
                return 1
            case "number":
                return self.confidence
            case "boolean":
                return True
            case _:
                cited = " ".join(f"[{each}]" for each in _EVIDENCE.findall(text)[:1])
                return f"This is what the evidence tells {cited}."

    def _call(self, tool: str, number: int, text: str) -> ToolCall:
        """A call about one of the services that the prompt names, another one each time."""
        found = list(dict.fromkeys(self.names.findall(text))) or ["nobody"]
        arguments = {"service": found[-1 - number % len(found)]}
        if tool == "metric_digest":
            arguments["signal"] = "latency"
        return ToolCall(id="", name=tool, arguments=json.dumps(arguments))
