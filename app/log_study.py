"""Templates of log lines that no rule knows are shown to a model, once each, after the incident needed them.

An investigation never waits for this: it reads what is remembered. What no model may or can be asked stays unknown and
is tried again; what a model could not label validly is remembered with the rules' answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import islice

import structlog

from agents.data_policy import DataPolicy, may_leave
from agents.log_classifier import BATCH, classify_unknown, unknown
from core.clock import Clock
from core.models import EvidenceKind, LogCategory, Rung
from core.ports import ChatModel
from stores.store import Store

log = structlog.get_logger(__name__)

ROUND_SECONDS = 60.0
INCIDENTS = 20
"""Newest incidents whose evidence is looked through."""

MAX_BATCHES = 4
"""Requests of one round."""

KEPT = timedelta(days=90)
"""What was found longer ago is forgotten."""


class LogStudy:
    """Looks through the evidence of the newest incidents every minute.

    Args:
        models: none: nothing is ever asked.
        policy: which data may leave for which rung.
    """

    def __init__(self, store: Store, models: Mapping[Rung, ChatModel], policy: DataPolicy, clock: Clock) -> None:
        self._store = store
        self._models = models
        self._policy = policy
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._clock.sleep(ROUND_SECONDS)
            await self.study()

    async def study(self) -> int:
        """One round; the number of templates that were settled.

        Raises:
            StoreUnavailable, StoreCorrupt: the database cannot be used.
        """
        if not self._models:
            return 0
        async with self._store.write() as tx:
            await tx.templates.forget(self._clock.now() - KEPT)
        settled = 0
        askable = ((service, templates) for service, templates in await self._unknown() if self._may_ask(service))
        for service, templates in islice(askable, MAX_BATCHES):
            found = await classify_unknown(service, templates, self._models, self._policy)
            if not found.settled:
                log.info("templates_not_classified", service=service, templates=len(templates), notes=found.notes)
                continue
            async with self._store.write() as tx:
                await tx.templates.save(service, found.classes)
            settled += len(templates)
            log.info("templates_classified", service=service, templates=len(templates), cost_usd=found.cost_usd)
        return settled

    def _may_ask(self, service: str) -> bool:
        return any(may_leave(self._policy, rung, (service,)) is None for rung in self._models)

    async def _unknown(self) -> list[tuple[str, tuple[str, ...]]]:
        """Batches by service, of the newest incident first; what another service knows is taken over."""
        async with self._store.read() as tx:
            seen: dict[str, dict[str, None]] = {}
            for incident in await tx.incidents.find(limit=INCIDENTS):
                for evidence in await tx.evidence.of_incident(incident.id):
                    if evidence.kind is EvidenceKind.LOG:
                        for row in evidence.digest.templates:
                            if row.template and row.category is LogCategory.OTHER and unknown(row.template):
                                seen.setdefault(row.subject, {})[row.template] = None
            own = {service: {one.template for one in await tx.templates.of_service(service)} for service in seen}
            known = await tx.templates.known(template for templates in seen.values() for template in templates)
        batches: list[tuple[str, tuple[str, ...]]] = []
        for service, templates in seen.items():
            borrowed = [known[one] for one in templates if one in known and one not in own[service]]
            if borrowed:
                async with self._store.write() as tx:
                    await tx.templates.save(service, borrowed)
            fresh = [one for one in templates if one not in known]
            batches += [(service, tuple(fresh[start : start + BATCH])) for start in range(0, len(fresh), BATCH)]
        return batches
