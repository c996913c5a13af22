"""From the inbox to incidents: each item once, in one transaction."""

from __future__ import annotations

import secrets

import structlog

from core.clock import Clock
from core.errors import StoreUnavailable
from core.models import (
    ATTENTION,
    LIVE,
    Alert,
    AlertStatus,
    Autonomy,
    Incident,
    IncidentStatus,
    TimelineEntry,
    content_id,
)
from events.correlation import Correlation, CorrelationKind, CorrelationSettings, correlate
from events.feedback import FeedbackSettings, keep_quiet, why_quiet
from events.inbox import PARSERS
from stores.inbox import InboxItem
from stores.store import Store, Tx
from tools.inventory import Inventory

log = structlog.get_logger(__name__)

_MAX_NAME = 200
_MAX_REASON = 500
_UNRESOLVED_LIMIT = 1000


class Intake:
    """Turns kept bodies into alerts and incidents.

    Alert, incident, timeline and the item's own mark are one transaction: after a crash the item is either wholly done
    or still pending.

    Args:
        autonomy: of services that do not say it themselves, and of incidents without a service.
        feedback: when an alert that would open an incident is kept quiet instead.
    """

    def __init__(
        self,
        store: Store,
        inventory: Inventory,
        clock: Clock,
        config: CorrelationSettings,
        *,
        autonomy: Autonomy,
        feedback: FeedbackSettings | None = None,
    ) -> None:
        self._store = store
        self._inventory = inventory
        self._clock = clock
        self._config = config
        self._autonomy = autonomy
        self._feedback = feedback or FeedbackSettings()

    async def drain(self, limit: int = 200) -> list[str]:
        """Take in at most `limit` items, oldest first.

        Returns:
            ids of the incidents that were opened and are to be run.

        Raises:
            StoreUnavailable: what was not taken in is still pending.
        """
        opened: list[str] = []
        for _ in range(limit):
            taken = await self._take_one()
            if taken is None:
                break
            opened += taken
        return opened

    async def _take_one(self) -> list[str] | None:
        """Ids opened by the oldest pending item; None when there is none.

        The item is chosen inside the writing transaction, so that two workers never take the same one.
        """
        item: InboxItem | None = None
        try:
            async with self._store.write() as tx:
                item = next(iter(await tx.inbox.pending(1)), None)
                if item is None:
                    return None
                opened = await self._take_in(tx, item)
                await tx.inbox.mark(item.id, "done")
        except StoreUnavailable:
            raise
        except Exception as error:
            # The worker's boundary: whatever is wrong with one item, the next ones must not wait for it.
            if item is None:
                raise
            log.exception("inbox_item_failed", item=item.id, source=item.source)
            async with self._store.write() as tx:
                await tx.inbox.mark(item.id, "failed", f"{type(error).__name__}: {error}"[:_MAX_REASON])
            return []
        return opened

    async def _take_in(self, tx: Tx, item: InboxItem) -> list[str]:
        opened = []
        for index, parsed in enumerate(PARSERS[item.source](item.body)):
            service = self._inventory.resolve(parsed.labels).service
            alert = parsed.model_copy(update={"source": item.source, "service": service})
            stored = await tx.alerts.get(alert.fingerprint)
            holder = await tx.incidents.get(stored.incident_id) if stored and stored.incident_id else None
            active = await _active(tx, alert)
            answer = correlate(alert, stored, holder, active, self._clock.now(), self._config.window_seconds)
            log.info("alert_correlated", alert=_name(alert), service=service, kind=answer.kind, reason=answer.reason)
            if answer.kind is CorrelationKind.IGNORED:
                continue
            if answer.kind is CorrelationKind.OPENED:
                if reason := await why_quiet(tx, alert, self._feedback, self._clock):
                    await keep_quiet(tx, alert, reason)
                    continue
                incident = self._new_incident(alert, f"{item.id}/{index}")
                await tx.incidents.add(incident)
                answer = answer.model_copy(update={"incident_id": incident.id})
                opened.append(incident.id)
            await tx.alerts.save(alert, answer.incident_id or "")
            await self._record(tx, alert, answer)
        return opened

    def _new_incident(self, alert: Alert, key: str) -> Incident:
        now = self._clock.now()
        return Incident(
            id=content_id("inc", key, alert.fingerprint, now.isoformat()),
            status=IncidentStatus.OPEN,
            severity=alert.severity,
            title=_title(alert),
            service=alert.service,
            autonomy=self._autonomy_of(alert),
            opened_at=now,
            updated_at=now,
            trace_id=secrets.token_hex(16),
        )

    async def _record(self, tx: Tx, alert: Alert, answer: Correlation) -> None:
        """What the alert changes about its incident, and the line on the incident's timeline."""
        if answer.incident_id is None:
            return
        match answer.kind:
            case CorrelationKind.OPENED | CorrelationKind.JOINED:
                await tx.incidents.attach(answer.incident_id, alert.fingerprint)
                # An alert that is attached already still shows that the incident is not quiet: move `updated_at`.
                incident = await tx.incidents.update(answer.incident_id)
                await self._note(tx, incident, alert, f"{_name(alert)} is firing ({alert.severity}): {answer.reason}")
                await self._raise_severity(tx, incident, alert)
            case CorrelationKind.DUPLICATE if alert.status is AlertStatus.FIRING:
                await self._raise_severity(tx, await tx.incidents.get(answer.incident_id), alert)
            case CorrelationKind.RESOLVED:
                incident = await tx.incidents.get(answer.incident_id)
                await self._note(tx, incident, alert, f"{_name(alert)} is resolved")
                await self._note_when_all_quiet(tx, incident, alert)

    async def _raise_severity(self, tx: Tx, incident: Incident, alert: Alert) -> None:
        """An incident is as bad as its worst alert; autonomy follows, as it is set by severity."""
        if incident.status not in ATTENTION or alert.severity.rank <= incident.severity.rank:
            return
        autonomy = self._autonomy_of(alert)
        await tx.incidents.update(incident.id, severity=alert.severity, autonomy=autonomy)
        text = f"severity raised from {incident.severity} to {alert.severity}, autonomy is {autonomy}"
        await self._note(tx, incident, alert, text)

    async def _note_when_all_quiet(self, tx: Tx, incident: Incident, alert: Alert) -> None:
        """A live run says so itself; an incident that waits for a human needs the hint."""
        if incident.status in LIVE:
            return
        if all(each.status is AlertStatus.RESOLVED for each in await tx.alerts.of_incident(incident.id)):
            await self._note(tx, incident, alert, "all alerts of the incident are resolved")

    async def _note(self, tx: Tx, incident: Incident, alert: Alert, text: str) -> None:
        data = {"fingerprint": alert.fingerprint, "source": alert.source}
        await tx.timeline.add(incident.id, TimelineEntry(at=self._clock.now(), kind="alert", text=text, data=data))

    def _autonomy_of(self, alert: Alert) -> Autonomy:
        service = self._inventory.get(alert.service)
        return service.autonomy_for(alert.severity, self._autonomy) if service else self._autonomy


async def _active(tx: Tx, alert: Alert) -> Incident | None:
    """The incident that collects the alert's group: its service or, while that is unresolved, its name."""
    if alert.service:
        return await tx.incidents.active_for(alert.service)
    unresolved = await tx.incidents.find(statuses=ATTENTION, service="", limit=_UNRESOLVED_LIMIT)
    return next((incident for incident in unresolved if incident.title == _title(alert)), None)


def _title(alert: Alert) -> str:
    return f"{_name(alert)} on {alert.service}" if alert.service else _name(alert)


def _name(alert: Alert) -> str:
    """The alert's name, bounded: it comes from a stranger and goes into lines that people read."""
    return alert.name[:_MAX_NAME]
