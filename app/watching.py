"""`quell watch`: looks at the watched services and runs what it finds, without any Alertmanager."""

from __future__ import annotations

from collections.abc import AsyncIterator

from app.bootstrap import App
from app.operations.outputs import WatchRound
from app.settings import Settings
from core.models import Alert, AlertStatus

POLL_SECONDS = 0.2


def one_look(settings: Settings) -> Settings:
    """Settings under which a single look decides, as there is no second one that could agree."""
    return settings.model_copy(update={"watch": settings.watch.model_copy(update={"for_ticks": 1})})


async def watch_once(app: App, *, collect_seconds: float) -> WatchRound:
    """Look once, and run what is found to its end or to a question for a human.

    Args:
        collect_seconds: how long to scrape first when neither a Prometheus nor another process has kept a history.

    Raises:
        QuellError: the store does not answer.
    """
    if app.settings.prometheus.url:
        current = True  # its history is there already
    else:
        await app.opened.buffer.restore()
        current = app.opened.buffer.is_current
    async with app.running(watch=False):
        if not current:
            await app.clock.sleep(collect_seconds)
        alerts = await app.watcher.tick()
        app.worker.wake()
        while not await app.worker.idle():
            await app.clock.sleep(POLL_SECONDS)
        return await _round(app, alerts)


async def watch(app: App) -> AsyncIterator[WatchRound]:
    """Look again and again until cancelled; what is found runs in the background.

    Raises:
        QuellError: the store does not answer.
    """
    async with app.running(watch=False):
        while True:
            alerts = await app.watcher.tick()
            app.worker.wake()
            yield await _round(app, alerts)
            await app.clock.sleep(app.settings.watch.interval_seconds)


async def _round(app: App, alerts: list[Alert]) -> WatchRound:
    """What a look found, with the incidents that its alerts belong to by now."""
    async with app.store.read() as tx:
        stored = [await tx.alerts.get(each.fingerprint) for each in alerts if each.status is AlertStatus.FIRING]
        ids = dict.fromkeys(each.incident_id for each in stored if each and each.incident_id)
        incidents = [await tx.incidents.get(incident_id) for incident_id in ids]
    return WatchRound(at=app.clock.now(), alerts=tuple(alerts), incidents=tuple(incidents))
