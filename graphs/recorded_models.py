"""Models whose answers go on record before anybody reads them: a replay asks the record, never a model."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from agents.ladder import MODEL_SECONDS
from clients.models.recorded import MODEL, decode, encode_failure, encode_reply, request_key
from core.errors import ModelLate, SourceError
from core.llm import ModelReply, ModelRequest
from core.models import Rung
from core.ports import ChatModel, SourceStatus
from graphs.context import IncidentContext


class RecordingModel:
    """A model of one incident. What a run that ended in the middle asked is neither asked nor paid again.

    Requests and answers pass here without secrets: they are hidden before, and put back after.

    Args:
        until: on the clock's `monotonic`; whoever has not answered then is late, and that is on record, too.
    """

    def __init__(self, model: ChatModel, context: IncidentContext, incident_id: str, until: float) -> None:
        self.rung = model.rung
        self._model = model
        self._context = context
        self._incident_id = incident_id
        self._until = until

    async def complete(self, request: ModelRequest) -> ModelReply:
        """As the model answers, and as it did when it was asked the same in this incident.

        Raises:
            SourceError: as `core.ports.ChatModel.complete`.
            LeaseLost: another worker took the incident over.
        """
        key = request_key(self.rung, request)
        async with self._context.store.read() as tx:
            payload = await tx.recordings.find(self._incident_id, MODEL, key)
        if payload is None:
            try:
                async with asyncio.timeout(self._until - self._context.clock.monotonic()):
                    payload = encode_reply(await self._model.complete(request))
            except TimeoutError:
                late = ModelLate(f"the {self.rung} model gave no answer while there was time for this decision")
                payload = encode_failure(late)
            except SourceError as error:
                payload = encode_failure(error)
            async with self._context.store.write() as tx:
                await tx.leases.check(self._context.lease)
                await tx.recordings.add(self._incident_id, "", MODEL, key, payload)
        return decode(payload, key)

    async def status(self) -> SourceStatus:
        return await self._model.status()


def recording(
    context: IncidentContext, incident_id: str, *, seconds: float = MODEL_SECONDS
) -> Mapping[Rung, ChatModel]:
    """The models of a run for one decision, each behind its record.

    Args:
        seconds: that all of them may take together from now on.
    """
    until = context.clock.monotonic() + seconds
    return {rung: RecordingModel(model, context, incident_id, until) for rung, model in context.models.items()}
