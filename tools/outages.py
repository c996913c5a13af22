"""Sources that did not answer, on the timeline of the incident that asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.models import TimelineEntry
from stores.store import Tx
from tools.runner import Looked


async def tell_outages(tx: Tx, looked: Sequence[Looked], at: datetime) -> None:
    """A source that did not answer goes on the incident's timeline, once for each thing it says."""
    for evidence, _ in looked:
        if evidence.error:
            told = f"{evidence.source}: {evidence.error}"
            entry = TimelineEntry(at=at, kind="outage", text=told)
            await tx.timeline.add(evidence.incident_id, entry, key=f"outage:{told}")
