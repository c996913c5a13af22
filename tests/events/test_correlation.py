"""Each outcome of correlation, and its reason."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.models import Alert, AlertStatus, Autonomy, Incident, IncidentStatus, Severity
from events.correlation import Correlation, CorrelationKind, correlate
from stores.alerts import StoredAlert
from tests.events.payloads import NOON

WINDOW_SECONDS = 900.0


def alert(status: AlertStatus = AlertStatus.FIRING, *, begun_ago: float = 60, **fields: object) -> Alert:
    base = Alert(
        fingerprint="f1",
        status=status,
        name="ErrorRate",
        severity=Severity.CRITICAL,
        starts_at=NOON - timedelta(seconds=begun_ago),
        ends_at=NOON if status is AlertStatus.RESOLVED else None,
        source="alertmanager",
        service="gateway",
    )
    return base.model_copy(update=fields)


def on_record(known: Alert, incident_id: str = "inc_1") -> StoredAlert:
    return StoredAlert(alert=known, incident_id=incident_id, first_seen=NOON, last_seen=NOON, count=1)


def incident(status: IncidentStatus, *, quiet_seconds: float = 0, ended_seconds: float | None = None) -> Incident:
    return Incident(
        id="inc_1",
        status=status,
        severity=Severity.CRITICAL,
        title="ErrorRate on gateway",
        service="gateway",
        autonomy=Autonomy.ACT,
        opened_at=NOON - timedelta(hours=1),
        updated_at=NOON - timedelta(seconds=quiet_seconds),
        ended_at=None if ended_seconds is None else NOON - timedelta(seconds=ended_seconds),
    )


def answer(
    given: Alert, stored: StoredAlert | None = None, holder: Incident | None = None, active: Incident | None = None
) -> Correlation:
    return correlate(given, stored, holder, active, NOON, WINDOW_SECONDS)


def test_a_first_alert_opens() -> None:
    result = answer(alert())
    assert (result.kind, result.incident_id) == (CorrelationKind.OPENED, None)
    assert result.reason == "no incident of its group is active"


def test_another_alert_of_the_group_joins() -> None:
    result = answer(alert(), active=incident(IncidentStatus.HEALING))
    assert (result.kind, result.incident_id) == (CorrelationKind.JOINED, "inc_1")
    assert result.reason == "inc_1 of its group is healing"


def test_the_same_alert_again_is_a_duplicate() -> None:
    live = incident(IncidentStatus.INVESTIGATING)
    result = answer(alert(), on_record(alert()), live, live)
    assert (result.kind, result.incident_id) == (CorrelationKind.DUPLICATE, "inc_1")
    assert result.reason == "it is firing already"


def test_repeats_of_an_alert_that_waits_for_a_human_stay_duplicates() -> None:
    waiting = incident(IncidentStatus.ESCALATED, quiet_seconds=WINDOW_SECONDS * 20)
    assert answer(alert(), on_record(alert()), waiting, waiting).kind is CorrelationKind.DUPLICATE


@pytest.mark.parametrize("status", [IncidentStatus.RESOLVED, IncidentStatus.CLOSED])
@pytest.mark.parametrize(("ended_seconds", "kind"), [(899, CorrelationKind.DUPLICATE), (900, CorrelationKind.OPENED)])
def test_an_alert_may_lag_behind_the_end_of_its_incident_for_a_window(
    status: IncidentStatus, ended_seconds: float, kind: CorrelationKind
) -> None:
    ended = incident(status, ended_seconds=ended_seconds)
    assert answer(alert(), on_record(alert()), ended).kind is kind


def test_an_alert_that_fires_again_after_its_incident_ended_opens_a_new_one() -> None:
    ended = incident(IncidentStatus.RESOLVED, ended_seconds=10)
    known = on_record(alert(AlertStatus.RESOLVED, begun_ago=600))
    assert answer(alert(begun_ago=5), known, ended).kind is CorrelationKind.OPENED


def test_an_alert_that_fires_again_during_its_incident_joins_it() -> None:
    live = incident(IncidentStatus.VERIFYING)
    known = on_record(alert(AlertStatus.RESOLVED, begun_ago=600))
    assert answer(alert(begun_ago=5), known, live, live).kind is CorrelationKind.JOINED


def test_an_alertmanager_that_found_its_prometheus_again_is_believed() -> None:
    known = on_record(alert(AlertStatus.RESOLVED))
    assert answer(alert(), known, incident(IncidentStatus.RESOLVED, ended_seconds=10)).kind is CorrelationKind.OPENED


@pytest.mark.parametrize(("quiet_seconds", "kind"), [(899, CorrelationKind.JOINED), (900, CorrelationKind.OPENED)])
def test_an_incident_that_waits_for_a_human_collects_until_it_is_quiet(
    quiet_seconds: float, kind: CorrelationKind
) -> None:
    result = answer(alert(), active=incident(IncidentStatus.ESCALATED, quiet_seconds=quiet_seconds))
    assert result.kind is kind


def test_a_live_incident_collects_however_long_it_takes() -> None:
    waiting = incident(IncidentStatus.AWAITING_APPROVAL, quiet_seconds=WINDOW_SECONDS * 20)
    assert answer(alert(), active=waiting).kind is CorrelationKind.JOINED


def test_info_is_only_recorded() -> None:
    live = incident(IncidentStatus.OPEN)
    result = answer(alert(severity=Severity.INFO), active=live)
    assert (result.kind, result.incident_id) == (CorrelationKind.RECORDED, None)
    assert result.reason == "info is recorded, not investigated"


def test_info_that_comes_back_as_a_warning_opens() -> None:
    known = on_record(alert(severity=Severity.INFO), incident_id="")
    assert answer(alert(severity=Severity.WARNING), known).kind is CorrelationKind.OPENED


def test_a_warning_that_comes_back_as_info_stays_with_its_incident() -> None:
    result = answer(alert(severity=Severity.INFO), on_record(alert()), incident(IncidentStatus.RESOLVED))
    assert (result.kind, result.incident_id) == (CorrelationKind.RECORDED, "inc_1")


def test_resolved_ends_the_alert() -> None:
    result = answer(alert(AlertStatus.RESOLVED), on_record(alert()), incident(IncidentStatus.HEALING))
    assert (result.kind, result.incident_id, result.reason) == (
        CorrelationKind.RESOLVED,
        "inc_1",
        "it no longer fires",
    )


def test_resolved_twice_is_a_duplicate() -> None:
    result = answer(alert(AlertStatus.RESOLVED), on_record(alert(AlertStatus.RESOLVED)))
    assert (result.kind, result.reason) == (CorrelationKind.DUPLICATE, "it is resolved already")


def test_resolved_without_ever_firing_is_recorded() -> None:
    result = answer(alert(AlertStatus.RESOLVED), active=incident(IncidentStatus.OPEN))
    assert (result.kind, result.incident_id) == (CorrelationKind.RECORDED, None)
    assert result.reason == "resolved, but it never fired here"


def test_the_end_of_an_earlier_firing_comes_too_late() -> None:
    late = alert(AlertStatus.RESOLVED, begun_ago=600, ends_at=NOON - timedelta(seconds=300))
    result = answer(late, on_record(alert(begun_ago=60)), incident(IncidentStatus.OPEN))
    assert (result.kind, result.reason) == (
        CorrelationKind.IGNORED,
        "it ends an earlier firing than the one on record",
    )
