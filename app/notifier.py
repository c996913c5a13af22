"""What the graph tells humans, put into the outbox of every configured channel."""

from __future__ import annotations

from collections.abc import Sequence

from alerting.messages import approval_needed, human_needed, incident_ended
from alerting.outbox import enqueue
from core.models import Approval, Incident
from stores.store import Tx


class OutboxNotifier:
    """`graphs.context.Notifier` over the outbox; the key of a notice names its occasion, so that none is sent twice."""

    def __init__(self, channels: Sequence[str]) -> None:
        self._channels = tuple(channels)

    async def approval_needed(self, tx: Tx, incident: Incident, approval: Approval) -> None:
        """Once for each incident and proposal."""
        key = f"{incident.id}/approval/{approval.proposal_hash}"
        await enqueue(tx, self._channels, key, approval_needed(incident, approval))

    async def human_needed(self, tx: Tx, incident: Incident, why: str) -> None:
        """Once for each incident."""
        await enqueue(tx, self._channels, f"{incident.id}/human", human_needed(incident, why))

    async def ended(self, tx: Tx, incident: Incident) -> None:
        """Once for each incident."""
        await enqueue(tx, self._channels, f"{incident.id}/ended", incident_ended(incident))
