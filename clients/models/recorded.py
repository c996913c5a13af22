"""A language model played back from the record of an incident: what was asked then is answered as it was then.

A call is known by its rung and everything that was asked; what failed fails again in the same way. Nothing is ever
asked anew: what was not asked then is rejected.
"""

from __future__ import annotations

import hashlib
import json

from pydantic import ValidationError

from clients.recorded import Lookup
from core.errors import (
    BundleError,
    DataStays,
    ModelLate,
    ModelUnavailable,
    OverBudget,
    SourceError,
    SourceRejected,
    SourceUnavailable,
)
from core.llm import ModelReply, ModelRequest
from core.models import Rung
from core.ports import SourceStatus

MODEL = "model"
"""The port's name in recordings."""

_KINDS: dict[str, type[SourceError]] = {
    kind.__name__: kind for kind in (ModelUnavailable, ModelLate, OverBudget, DataStays, SourceRejected)
}


def request_key(rung: Rung, request: ModelRequest) -> str:
    """Names a request: the rung, and a hash of all that was asked."""
    asked = json.dumps(request.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return f"{rung}|{request.task}|{hashlib.sha256(asked.encode()).hexdigest()}"


def encode_reply(reply: ModelReply) -> bytes:
    """An answer."""
    return json.dumps({"answer": reply.model_dump(mode="json")}, sort_keys=True, separators=(",", ":")).encode()


def encode_failure(error: SourceError) -> bytes:
    """A model that was not asked, or gave no answer."""
    kind = type(error).__name__ if type(error).__name__ in _KINDS else SourceUnavailable.__name__
    told = {"kind": kind, "message": error.message, "fix": error.fix, "cost_usd": error.cost_usd}
    return json.dumps({"error": told}, sort_keys=True, separators=(",", ":")).encode()


def decode(payload: bytes, key: str) -> ModelReply:
    """The recorded answer.

    Raises:
        SourceError: the recorded call had failed.
        BundleError: the recording cannot be read.
    """
    try:
        data = json.loads(payload)
        if "error" not in data:
            return ModelReply.model_validate(data["answer"])
        told = data["error"]
        failure = _KINDS.get(told["kind"], SourceUnavailable)(told["message"], fix=told["fix"])
        failure.cost_usd = float(told.get("cost_usd", 0.0))  # bundles of older versions do not say it
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise BundleError(f"the recorded {MODEL} of {key} is damaged", fix="export the incident again") from error
    raise failure


class RecordedModel:
    """`core.ports.ChatModel` from a recording."""

    def __init__(self, rung: Rung, lookup: Lookup) -> None:
        self.rung = rung
        self._lookup = lookup

    async def complete(self, request: ModelRequest) -> ModelReply:
        """The answer of then.

        Raises:
            SourceError: it failed then, or was not asked.
            BundleError: the recording cannot be read.
        """
        key = request_key(self.rung, request)
        payload = await self._lookup(MODEL, key)
        if payload is None:
            raise SourceRejected(
                f"the {self.rung} model was not asked this in the recorded run",
                fix="prompts differ between versions: replay it with the version that exported it",
            )
        return decode(payload, key)

    async def status(self) -> SourceStatus:
        return SourceStatus(name=self.rung.value, configured=True, reachable=True, detail="plays back a recording")
