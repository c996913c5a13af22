"""A read-only run: what the graph concludes of an alert, with its evidence, and what it would do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic import Field

from core.clock import Clock
from core.models import (
    Alert,
    AlertStatus,
    Autonomy,
    Diagnosis,
    Evidence,
    Finding,
    Incident,
    IncidentStatus,
    Model,
    Proposal,
    Severity,
    Triage,
    content_id,
)
from graphs.bundle import Bundle
from graphs.context import IncidentContext
from graphs.replay import offline, reopened
from graphs.scratch import ObservingRemedy, scratch_runner, scratch_store
from graphs.state import IncidentState
from stores.leases import Lease
from stores.store import Store
from tools.inventory import Inventory


class Investigation(Model):
    """What an investigation found."""

    incident: Incident
    alerts: tuple[Alert, ...]
    triage: Triage
    diagnosis: Diagnosis
    findings: tuple[Finding, ...]
    evidence: tuple[Evidence, ...] = Field(description="all that was looked at, also what spoke against the cause")
    would_do: tuple[Proposal, ...] = Field(description="best first; each still subject to policy")
    outcome: str


def incident_of(alerts: Sequence[Alert], inventory: Inventory, clock: Clock) -> Incident:
    """An incident that is about these alerts and is kept nowhere."""
    service = next((r.service for alert in alerts if (r := inventory.resolve(alert.labels)).service), "")
    worst = max((alert.severity for alert in alerts), key=list(Severity).index, default=Severity.WARNING)
    now = clock.now()
    fingerprints = tuple(alert.fingerprint for alert in alerts)
    return Incident(
        id=content_id("inv", now.isoformat(), *fingerprints),
        status=IncidentStatus.OPEN,
        severity=worst,
        title=alerts[0].name if alerts else "no alert",
        service=service,
        autonomy=Autonomy.OBSERVE,
        opened_at=now,
        updated_at=now,
        alerts=fingerprints,
    )


async def investigate(
    alerts: Sequence[Alert],
    inventory: Inventory,
    clock: Clock,
    make_context: Callable[[Store, Lease], IncidentContext],
) -> Investigation:
    """Run the graph on live sources without acting, and without a trace in the store."""
    firing = [alert for alert in alerts if alert.status is AlertStatus.FIRING] or list(alerts)
    return await _look(incident_of(firing, inventory, clock), firing, clock, make_context)


async def investigate_bundle(bundle: Bundle) -> Investigation:
    """The same on a recorded incident, offline.

    Raises:
        BundleError: the bundle lacks what the run needs.
    """
    began, clock = reopened(bundle)
    make_context = await offline(bundle, clock, ObservingRemedy(clock))
    return await _look(began.incident, began.alerts, clock, make_context)


async def _look(
    incident: Incident,
    alerts: Sequence[Alert],
    clock: Clock,
    make_context: Callable[[Store, Lease], IncidentContext],
) -> Investigation:
    async with scratch_store(clock, incident, alerts) as store:
        runner, lease = await scratch_runner(store, incident.id, lambda lease: make_context(store, lease))
        await runner.run(incident.id, lease)
        state: IncidentState = await runner.state(incident.id)
        return await concluded(store, state, alerts)


async def concluded(store: Store, state: IncidentState, alerts: Sequence[Alert]) -> Investigation:
    """What a run that ended found, from its last state and its store."""
    incident_id = state["incident"].id
    async with store.read() as tx:
        ended = await tx.incidents.get(incident_id)
        evidence = await tx.evidence.of_incident(incident_id)
    return Investigation(
        incident=ended,
        alerts=tuple(alerts),
        triage=state["triage"],
        diagnosis=state["diagnosis"],
        findings=state.get("findings", ()),
        evidence=tuple(evidence),
        would_do=state.get("plan", ()),
        outcome=ended.outcome,
    )
