"""Read-only investigations on the live sources."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from agents.ladder_policy import LadderPolicy
from app.settings import Settings
from core.clock import Clock
from core.models import Alert, Rung
from core.ports import ChatModel, NullKnowledge
from graphs.context import IncidentContext, NoNotifier
from graphs.investigation import Investigation, investigate
from graphs.scratch import ObservingRemedy
from stores.leases import Lease
from stores.store import Store
from tools.inventory import Inventory
from tools.signals import with_defaults
from tools.sources import Sources


def as_payload(body: bytes) -> bytes:
    """Alerts as Alertmanager posts them (webhook payload version 4), also when one alert was given alone."""
    try:
        alone = json.loads(body)
    except ValueError:
        return body
    if not isinstance(alone, dict) or "alerts" in alone:
        return body
    return json.dumps({"version": "4", "alerts": [{"status": "firing", **alone}]}).encode()


class Investigator:
    """Diagnoses alerts without touching anything; the store of incidents is not even opened.

    Args:
        models: that may be asked; what they cost is booked where they are metered.
    """

    def __init__(
        self,
        settings: Settings,
        inventory: Inventory,
        sources: Sources,
        clock: Clock,
        models: Mapping[Rung, ChatModel] | None = None,
    ) -> None:
        self._settings = settings
        self._inventory = inventory
        self._sources = sources
        self._clock = clock
        self._models = models or {}

    async def __call__(self, alerts: Sequence[Alert]) -> Investigation:
        """What the graph concludes of these alerts now."""
        return await investigate(alerts, self._inventory, self._clock, self.context)

    def context(self, store: Store, lease: Lease) -> IncidentContext:
        """What a run in that store is given: nothing in it can act."""
        return IncidentContext(
            store=store,
            clock=self._clock,
            inventory=self._inventory,
            sources=self._sources,
            signals=with_defaults(self._settings.signals),
            analysis=self._settings.analysis,
            knowledge=NullKnowledge(),
            ladder=LadderPolicy(),
            remedy=ObservingRemedy(self._clock),
            lease=lease,
            notifier=NoNotifier(),
            models=self._models,
            data_policy=self._settings.privacy,
            max_rounds=self._settings.action_policy.max_attempts,
            max_looks=1,
        )
