"""Recorded exchanges of real servers, found by what was asked."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes.wire import Asked, Reply

FOLDER = Path(__file__).parents[1] / "contracts" / "recorded"


def recording(server: str, name: str) -> dict[str, Any]:
    """One exchange."""
    exchange: dict[str, Any] = json.loads((FOLDER / server / f"{name}.json").read_text())
    return exchange


def reply_of(exchange: dict[str, Any]) -> Reply:
    """What the server answered."""
    response = exchange["response"]
    headers = dict(response["headers"])
    body = response.get("body") or ""
    packed = response.get("body_base64")
    return Reply(
        base64.b64decode(packed) if packed else body.encode(),
        response["status"],
        headers.get("Content-Type", ""),
        {name: value for name, value in headers.items() if name in ("Date", "Retry-After")},
    )


def asked_of(exchange: dict[str, Any]) -> Asked:
    """What the server was asked."""
    request = exchange["request"]
    parts = urlsplit(request["path"])
    headers = {name.lower(): value for name, value in request["headers"].items()}
    return Asked(unquote(parts.path), parse_qs(parts.query, keep_blank_values=True), headers)


class Player:
    """Answers what was recorded to what was recorded; `missed` lists what was not."""

    def __init__(self, server: str) -> None:
        self._exchanges = [(asked_of(each), reply_of(each)) for each in _all(server)]
        self.missed: list[Asked] = []

    def __call__(self, asked: Asked) -> Reply:
        wanted = (asked.path, dict(asked.query))
        found = next((reply for known, reply in self._exchanges if (known.path, dict(known.query)) == wanted), None)
        if found is None:
            self.missed.append(asked)
            return Reply(b"not recorded", 501, "text/plain")
        return found


def _all(server: str) -> Iterator[dict[str, Any]]:
    for path in sorted((FOLDER / server).glob("*.json")):
        yield json.loads(path.read_text())
