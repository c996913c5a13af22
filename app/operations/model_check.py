"""What `quell models check` does: one short question to every configured rung, as agents ask theirs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

from agents.data_policy import DataPolicy
from app.models.metered import Metered
from app.models.wiring import tariff
from app.operations.models import open_models
from app.operations.opening import open_store
from app.settings import Settings
from core.errors import SourceError, StoreError
from core.llm import Message, ModelReply, ModelRequest, ModelTask, Purpose, Speaker
from core.models import Model, Rung
from core.ports import ChatModel

CHECK_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}
CHECK_TEXT = 'Answer with the JSON object {"answer": "ready"} and nothing else.'
CHECK_OUTPUT_TOKENS = 256
NOT_BOOKED = "not in the books of `quell costs`: {}"


class CheckedRung(Model):
    """One short question that a rung was asked."""

    rung: Rung
    ok: bool
    model: str = ""
    seconds: float = 0.0
    cost_usd: float = 0.0
    notes: tuple[str, ...] = ()
    problem: str = ""
    fix: str = ""


class ModelCheck(Model):
    """Whether every configured rung answers."""

    ok: bool
    rungs: tuple[CheckedRung, ...]


async def check_models(settings: Settings, user: str = "") -> ModelCheck:
    """Ask every configured rung one short question, priced, capped and booked as any; it tells nothing of any service.

    Where there is no database yet, nothing can be booked, and the answer says so.

    Args:
        user: on whom it is booked.

    Raises:
        StoreError: the books can be opened and not written.
    """
    if not settings.models.configured:
        return ModelCheck(ok=True, rungs=())
    async with AsyncExitStack() as stack:
        clients = await stack.enter_async_context(open_models(settings, settings.clock))
        rungs: Sequence[ChatModel] = clients
        notes: tuple[str, ...] = ()
        try:
            store = await stack.enter_async_context(open_store(settings))
        except StoreError as error:
            notes = (NOT_BOOKED.format(error),)
        else:
            rungs = [
                Metered(each, tariff(settings, each.rung), store, settings.clock, settings.budget, DataPolicy())
                for each in clients
            ]
        checked = tuple([await _checked(each, settings, user, notes) for each in rungs])
    return ModelCheck(ok=all(each.ok for each in checked), rungs=checked)


async def _checked(rung: ChatModel, settings: Settings, user: str, notes: tuple[str, ...]) -> CheckedRung:
    local = rung.rung is Rung.LOCAL
    asked = ModelRequest(
        task=ModelTask.RCA,
        messages=(Message(speaker=Speaker.USER, text=CHECK_TEXT),),
        response_schema=CHECK_SCHEMA,
        max_output_tokens=CHECK_OUTPUT_TOKENS,
        deadline_seconds=settings.models.local.load_seconds if local else None,  # it may have to be loaded first
        purpose=Purpose(agent="check", user=user),
    )
    try:
        reply = await rung.complete(asked)
    except SourceError as error:
        return CheckedRung(
            rung=rung.rung, ok=False, cost_usd=error.cost_usd, problem=error.message, fix=error.fix, notes=notes
        )
    problem, fix = _what_is_wrong(reply)
    return CheckedRung(
        rung=rung.rung,
        ok=not problem,
        model=reply.model,
        seconds=round(reply.seconds, 3),
        cost_usd=reply.cost_usd,
        notes=(*reply.notes, *notes),
        problem=problem,
        fix=fix,
    )


def _what_is_wrong(reply: ModelReply) -> tuple[str, str]:
    """Why agents could do nothing with answers like this one, and what to do about it; empty when they could."""
    try:
        said = json.loads(reply.text)
    except ValueError:
        said = None
    if isinstance(said, dict) and isinstance(said.get("answer"), str):
        return "", ""
    fix = (
        "choose a model and a server that keep to a JSON Schema; agents correct an answer once, then pass this rung by"
    )
    if reply.cut:
        return f"the answer had not ended after {CHECK_OUTPUT_TOKENS} tokens", fix
    if not reply.text:
        return "the answer was empty", fix
    return f"the answer does not keep to the JSON Schema that was sent: {reply.text[:80]!r}", fix
