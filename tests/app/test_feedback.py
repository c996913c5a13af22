"""Humans judge incidents; repeats of false alarms are kept quiet by intake and watcher, with the reason on record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app.cli import alerts, incidents
from app.operations.alerts import list_alerts
from app.operations.context import Context
from app.operations.incidents import close_incident, list_incidents
from app.operations.local import Local
from clients.logfiles import LogFiles
from core.clock import ManualClock
from core.models import Alert, Autonomy, IncidentStatus, Judgement, Severity
from events.correlation import CorrelationSettings
from events.feedback import FeedbackSettings
from events.inbox import accept
from events.intake import Intake
from events.watched import WatchSettings
from events.watcher import Watcher
from stores.store import Store
from tests.app.conftest import SERVICES
from tests.events.payloads import body, wire_alert
from tests.events.test_watcher import ANALYSIS, Plant
from tests.events.test_watcher import SERVICES as WATCHED
from tools.inventory import Inventory
from tools.signals import DEFAULT_SIGNALS
from tools.sources import Sources

FALSE, REAL = Judgement.FALSE_ALARM, Judgement.REAL
LATER = timedelta(hours=1)


@pytest.fixture
async def plant(clock: ManualClock) -> AsyncIterator[Plant]:
    running = Plant(clock)
    yield running
    running.stop()


def intake(store: Store, clock: ManualClock, settings: FeedbackSettings | None = None) -> Intake:
    correlation = CorrelationSettings(window_seconds=60)
    return Intake(store, Inventory(SERVICES), clock, correlation, autonomy=Autonomy.OBSERVE, feedback=settings)


async def alarm(
    context: Context, *, severity: str = "warning", service: str = "gateway", settings: FeedbackSettings | None = None
) -> list[str]:
    """Let one alert fire an hour later, take it in, and let it end; ids of the incidents that it opened."""
    clock = context.clock
    assert isinstance(clock, ManualClock)
    clock.advance(LATER.total_seconds())
    taking = intake(context.store, clock, settings)
    at = clock.now().isoformat()
    fired = wire_alert("Latency", service, severity, starts_at=at)
    await accept(context.store, "alertmanager", body(fired))
    opened = await taking.drain()
    for incident_id in opened:
        async with context.store.write() as tx:
            await tx.incidents.update(incident_id, status=IncidentStatus.RESOLVED, ended_at=clock.now())
    clock.advance(120)
    ended = wire_alert("Latency", service, severity, starts_at=at, resolved_at=clock.now().isoformat())
    await accept(context.store, "alertmanager", body(ended))
    assert await taking.drain() == []
    return opened


async def judge(context: Context, incident_ids: list[str], judged: Judgement) -> None:
    for incident_id in incident_ids:
        await Local(context).call(close_incident, incident_id=incident_id, judged=judged, by="ann")


async def judged_alarms(context: Context, *judgements: Judgement, severity: str = "warning") -> list[str]:
    """So many alarms, each judged; ids of their incidents."""
    incidents = []
    for judged in judgements:
        opened = await alarm(context, severity=severity)
        assert len(opened) == 1
        await judge(context, opened, judged)
        incidents += opened
    return incidents


async def test_the_third_repeat_of_a_false_alarm_is_recorded_and_starts_nothing(context: Context) -> None:
    await judged_alarms(context, FALSE, FALSE)
    assert await alarm(context) == []
    found = await Local(context).call(list_alerts)
    (kept,) = found.suppressed
    assert (kept.name, kept.service, kept.severity, kept.count) == ("Latency", "gateway", Severity.WARNING, 1)
    assert kept.reason.startswith("judged a false alarm 2 times and never real, last by ann at 2026-")
    listed = await Local(context).call(list_incidents)
    assert len(listed.incidents) == 2
    assert listed.suppressed == found.suppressed


async def test_one_false_alarm_is_not_enough_and_another_pattern_is_not_touched(context: Context) -> None:
    await judged_alarms(context, FALSE)
    assert len(await alarm(context)) == 1
    assert len(await alarm(context, service="payment")) == 1


async def test_what_was_ever_real_is_never_kept_quiet(context: Context) -> None:
    await judged_alarms(context, FALSE, REAL, FALSE, FALSE)
    assert len(await alarm(context)) == 1


async def test_a_judgement_that_is_corrected_counts_as_corrected(context: Context) -> None:
    incidents = await judged_alarms(context, FALSE, FALSE)
    assert await alarm(context) == []
    await judge(context, incidents[1:], REAL)
    assert len(await alarm(context)) == 1
    await judge(context, incidents[1:], FALSE)
    assert await alarm(context) == []


async def test_how_often_and_how_long_is_a_setting(context: Context) -> None:
    await judged_alarms(context, FALSE, FALSE)
    assert len(await alarm(context, settings=FeedbackSettings(false_alarms=3))) == 1
    assert len(await alarm(context, settings=FeedbackSettings(false_alarms=0))) == 1
    assert len(await alarm(context, settings=FeedbackSettings(memory_seconds=60))) == 1
    assert await alarm(context) == []


async def test_a_critical_alert_is_kept_quiet_by_critical_false_alarms_only_and_stands_in_the_audit_trail(
    context: Context,
) -> None:
    await judged_alarms(context, FALSE, FALSE)
    assert len(await alarm(context, severity="critical")) == 1, "only warnings were false alarms"
    await judged_alarms(context, FALSE, FALSE, severity="critical")
    assert await alarm(context, severity="critical") == []
    async with context.store.read() as tx:
        entries = [entry for entry in await tx.audit.entries() if entry.action == "alert_suppressed"]
    (entry,) = entries
    assert entry.detail["alert"] == "Latency"
    assert "never real" in entry.detail["reason"]


async def test_an_alert_of_nobody_known_is_a_repeat_of_itself_only(context: Context) -> None:
    for _ in range(2):
        await judge(context, await alarm(context, service="stranger"), FALSE)
    assert await alarm(context, service="stranger") == []
    assert len(await alarm(context, service="other")) == 1


async def test_a_repeat_joins_an_incident_that_is_under_way(context: Context, clock: ManualClock) -> None:
    await judged_alarms(context, FALSE, FALSE)
    taking = intake(context.store, clock)
    await accept(context.store, "alertmanager", body(wire_alert("ErrorRate", "gateway")))
    (opened,) = await taking.drain()
    await accept(context.store, "alertmanager", body(wire_alert("Latency", "gateway", "warning")))
    await taking.drain()
    async with context.store.read() as tx:
        alerts = await tx.alerts.of_incident(opened)
    assert {each.name for each in alerts} == {"ErrorRate", "Latency"}


async def test_the_watcher_does_not_send_what_was_judged_false_and_sends_it_again_once_it_was_real(
    context: Context, store: Store, plant: Plant
) -> None:
    clock = plant.clock
    taking = Intake(store, WATCHED, clock, CorrelationSettings(window_seconds=60), autonomy=Autonomy.OBSERVE)
    sources = Sources(metrics=plant.buffer, logs=LogFiles({}))
    watching = Watcher(store, WATCHED, sources, clock, WatchSettings(for_ticks=1), ANALYSIS, DEFAULT_SIGNALS)

    async def outage() -> tuple[list[Alert], list[str]]:
        sent, opened = [], []
        for failing, looks in ((False, 18), (True, 4), (False, 10)):
            plant.failing = failing
            for _ in range(looks):
                await plant.work(1)
                sent += await watching.tick()
                opened += await taking.drain()
        for incident_id in opened:
            async with store.write() as tx:
                await tx.incidents.update(incident_id, status=IncidentStatus.RESOLVED, ended_at=clock.now())
        clock.advance(120)
        return sent, opened

    closed = []
    for _ in range(2):
        sent, opened = await outage()
        assert [alert.status.value for alert in sent] == ["firing", "resolved"]
        await judge(context, opened, FALSE)
        closed += opened
    sent, opened = await outage()
    assert ([alert.status.value for alert in sent], opened) == (["resolved"], [])
    (kept,) = (await Local(context).call(list_alerts)).suppressed
    assert (kept.name, kept.severity) == ("ErrorRateHigh", Severity.CRITICAL)
    await judge(context, closed[:1], REAL)
    _, opened = await outage()
    assert len(opened) == 1


async def test_the_command_line_shows_what_is_kept_quiet(context: Context, capsys: pytest.CaptureFixture[str]) -> None:
    await judged_alarms(context, FALSE, FALSE)
    assert await alarm(context) == []
    capsys.readouterr()
    alerts._render_list(await Local(context).call(list_alerts))
    incidents._render_list(await Local(context).call(list_incidents))
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.count("kept quiet") == 2
    assert "never real" in shown
