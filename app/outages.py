"""Outages on the timelines of the incidents that they held up: those of the database, and the ends of all others."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from core.clock import Clock
from core.errors import StoreUnavailable
from core.models import LIVE, Incident, TimelineEntry
from remediation.presence import HasStatus, ask
from stores.store import Store, Tx
from tools.outages import KIND, lasting, tell_changes
from tools.sources import Sources

log = structlog.get_logger(__name__)

MOST_TOLD = 1000
"""Incidents whose timelines are told of an outage."""


FOLLOWED = timedelta(hours=1)
"""How long after it began the end of an outage is looked for."""
LOOK_SECONDS = 2.0


class OutageEnds:
    """Looks whether sources are back that an incident missed and has not asked since; one that has ended asks none."""

    def __init__(self, store: Store, sources: Sources, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        ports: list[HasStatus] = [sources.metrics, sources.logs, *sources.actuators]
        self._ports = {port.name: port for port in [*ports, *([sources.traces] if sources.traces else [])]}

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            try:
                await self.look()
            except StoreUnavailable as error:
                log.warning("outages_not_followed", error=error.message)
            await self._clock.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Ask each missed source once, and tell those that answer.

        Raises:
            StoreUnavailable: the database is away itself.
        """
        now = self._clock.now()
        async with self._store.read() as tx:
            incidents = await tx.timeline.incidents_with(KIND, now - FOLLOWED)
            missed = {each: lasting(await tx.timeline.of_incident(each)) for each in incidents}
        asked = dict.fromkeys(source for sources in missed.values() for source in sources if source in self._ports)
        answers = {source: await ask(self._ports[source]) for source in asked}
        for incident_id, sources in missed.items():
            back = [answers[source] for source in sources if source in answers and not answers[source].error]
            if back:
                await tell_changes(self._store, incident_id, back, self._clock.now())


class OutageLog:
    """Remembers since when the database is away, as nothing can be written meanwhile.

    Args:
        holder: the worker that saw it; of several each tells its own, as a network may part only one of them.
    """

    def __init__(self, store: Store, clock: Clock, holder: str) -> None:
        self._store = store
        self._clock = clock
        self._holder = holder
        self._since: tuple[datetime, float] | None = None
        self._what = ""

    def saw(self, error: StoreUnavailable) -> None:
        """The database did not answer; only the first time of an outage counts."""
        if self._since is None:
            self._since = self._clock.now(), self._clock.monotonic()
            self._what = error.message
            log.warning("store_unavailable", error=str(error))

    async def tell(self) -> None:
        """Write down when an outage that is over began and ended; nothing happens without one.

        Raises:
            StoreUnavailable: it is not over.
        """
        if self._since is None:
            return
        since, started = self._since
        seconds = self._clock.monotonic() - started
        began = TimelineEntry(at=since, kind=KIND, text=f"{self._holder} could not reach the database: {self._what}")
        ended = TimelineEntry(
            at=self._clock.now(),
            kind=KIND,
            text=f"{self._holder} reaches the database again after {seconds:.1f} s",
            data={"seconds": f"{seconds:.1f}"},
        )
        key = f"outage:{self._holder}:{since.isoformat()}"
        async with self._store.write() as tx:
            for incident in await self._held_up(tx, since):
                await tx.timeline.add(incident.id, began, key=key)
                await tx.timeline.add(incident.id, ended, key=f"{key}:end")
        self._since = None
        log.info("store_available_again", seconds=round(seconds, 1))

    async def _held_up(self, tx: Tx, since: datetime) -> list[Incident]:
        """Those that are live, and those that ended between the return of the database and now."""
        live = await tx.incidents.find(statuses=LIVE, limit=MOST_TOLD)
        ended = [each for each in await tx.incidents.find(limit=MOST_TOLD) if each.status not in LIVE]
        return live + [each for each in ended if each.ended_at and each.ended_at >= since]
