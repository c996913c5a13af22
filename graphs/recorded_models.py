"""Models whose answers go on record before anybody reads them: a replay asks the record, never a model."""

from __future__ import annotations

from collections.abc import Mapping

from clients.models.recorded import MODEL, decode, encode_failure, encode_reply, request_key
from core.errors import SourceError
from core.llm import ModelReply, ModelRequest
from core.models import Rung
from core.ports import ChatModel, SourceStatus
from graphs.context import IncidentContext


class RecordingModel:
    """A model of one incident. What a run that ended in the middle asked is neither asked nor paid again.

    Requests and answers pass here without secrets: they are hidden before, and put back after.
    """

    def __init__(self, model: ChatModel, context: IncidentContext, incident_id: str) -> None:
        self.rung = model.rung
        self._model = model
        self._context = context
        self._incident_id = incident_id

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
                payload = encode_reply(await self._model.complete(request))
            except SourceError as error:
                payload = encode_failure(error)
            async with self._context.store.write() as tx:
                await tx.leases.check(self._context.lease)
                await tx.recordings.add(self._incident_id, "", MODEL, key, payload)
        return decode(payload, key)

    async def status(self) -> SourceStatus:
        return await self._model.status()


def recording(context: IncidentContext, incident_id: str) -> Mapping[Rung, ChatModel]:
    """The models of a run, each behind its record."""
    return {rung: RecordingModel(model, context, incident_id) for rung, model in context.models.items()}
