"""Watches the golden signals of services without any Alertmanager.

What users notice is alerted on, not what may explain it ("symptoms, not causes", chapter 6 of the SRE book,
https://sre.google/sre-book/monitoring-distributed-systems/), and what they will notice: the fourth golden signal there,
saturation, is "concerned with predictions of impending saturation".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from analysis.config import AnalysisConfig
from analysis.view import SignalFrame
from core.clock import Clock
from core.errors import SourceError
from core.models import SHAPE_ANNOTATION, Alert, AlertStatus, Finding, Service, Severity, Signal, Window
from events.alertmanager import fingerprint, render
from events.calm import Calm
from events.feedback import FeedbackSettings, keep_quiet, why_quiet
from events.inbox import accept
from events.looks import Look, findings, frames_of, has_answered
from events.watched import SATURATION, SYMPTOMS, WatchSettings, labels_of, watched
from stores.store import Store
from tools.context import QueryContext
from tools.inventory import Inventory
from tools.runner import MAX_CONCURRENT_QUERIES
from tools.signals import SignalSpec
from tools.sources import Sources

log = structlog.get_logger(__name__)

SOURCE = "watch"


class Silences(Protocol):
    """Knows which alerts are to be kept quiet, such as `clients.alertmanager.Alertmanager`."""

    async def silence_of(self, labels: Mapping[str, str]) -> object | None:
        """Something true when a silence covers an alert with these labels now.

        Raises:
            SourceError: they cannot be read.
        """
        ...


class Watcher:
    """Sends an alert when a symptom holds for `for_ticks` looks, and its end when it is gone for as many.

    What is firing is read back from the store after a restart. A service that never answered yet is not down: it has
    not started, or is only starting. A signal that cannot be read changes nothing. An alert
    whose pattern was judged a false alarm before is put on record instead of being sent.

    Args:
        analysis: windows and thresholds. While an alert fires its baseline stays before its onset, so that a fault
            that lasts never becomes the new normal.
        signals: how each signal is measured; symptoms that none of them measures are not watched.
        silences: what somebody does not want to hear of for a while.
        feedback: how often a pattern must be judged a false alarm.

    Raises:
        ConfigError: a service to be watched is not in the inventory.
    """

    def __init__(
        self,
        store: Store,
        inventory: Inventory,
        sources: Sources,
        clock: Clock,
        settings: WatchSettings,
        analysis: AnalysisConfig,
        signals: tuple[SignalSpec, ...],
        silences: Silences | None = None,
        feedback: FeedbackSettings | None = None,
    ) -> None:
        self._silences = silences
        self._feedback = feedback or FeedbackSettings()
        self._store = store
        self._inventory = inventory
        self._sources = sources
        self._clock = clock
        self._settings = settings
        self._analysis = analysis
        self._signals = signals
        self._watched = watched(inventory, settings, {spec.signal for spec in signals})
        self._firing: dict[str, Alert] | None = None
        self._disagreeing: dict[str, int] = {}
        self._started: set[str] = set()
        symptoms = ((service.name, signal) for service, signal in self._watched if signal in SYMPTOMS)
        self._calm = Calm(symptoms, analysis.window_seconds, analysis.step_seconds)

    async def run(self) -> None:
        """Look every `interval_seconds` until cancelled."""
        if not self._watched:
            log.warning("nothing_to_watch", fix="name services under `watch:` in quell.yaml, or give some tier 1")
        while True:
            try:
                await self.tick()
            except Exception:
                # The loop's boundary: a watcher that died would look like a system without faults.
                log.exception("watch_failed")
            await self._clock.sleep(self._settings.interval_seconds)

    async def tick(self) -> list[Alert]:
        """Look once at everything.

        Returns:
            the alerts that were sent; they are in the inbox.

        Raises:
            StoreError: nothing was sent; the next look tries again.
        """
        firing = await self._remembered()
        now, slots = self._clock.now(), asyncio.Semaphore(MAX_CONCURRENT_QUERIES)

        async def look(service: Service, signal: Signal) -> Look | None:
            async with slots:
                return await self._look(service, signal, now, firing)

        calm = await self._calm_now(now, firing, slots)
        due = [each for each in self._watched if (each[0].name, each[1]) not in calm]
        asked = await asyncio.gather(*(look(service, signal) for service, signal in due))
        looks = [each for each in asked if each is not None]
        self._started.update(each.key[0] for each in looks if has_answered(each, self._analysis))
        found = await asyncio.to_thread(findings, looks, self._analysis)
        self._calm.looked(
            {each.key: each.frames[0] for each in looks},
            now,
            suspected=[each.key for each, finding in zip(looks, found, strict=True) if finding or each.known],
        )
        looked = [self._change(each, finding, now) for each, finding in zip(looks, found, strict=True)]
        told = [alert for alert in looked if alert is not None and not await self._silenced(alert)]
        sent = [alert for alert in told if not await self._kept_quiet(alert)]
        if sent:
            await accept(self._store, SOURCE, render(sent))
        for alert in told:
            self._disagreeing.pop(alert.fingerprint)
            if alert.status is AlertStatus.FIRING:
                firing[alert.fingerprint] = alert
            else:
                del firing[alert.fingerprint]
        return sent

    async def _silenced(self, alert: Alert) -> bool:
        """Whether a silence covers it now. Resolved alerts pass, and so do all while the silences cannot be read."""
        if self._silences is None or alert.status is not AlertStatus.FIRING:
            return False
        try:
            silence = await self._silences.silence_of(alert.labels)
        except SourceError as error:
            log.warning("silences_not_read", error=error.message)
            return False
        if silence is not None:
            log.info("alert_silenced", alert=alert.name, service=alert.service)
        return silence is not None

    async def _kept_quiet(self, alert: Alert) -> bool:
        """Whether its pattern was judged a false alarm before; then it counts as firing, and its end is sent."""
        async with self._store.read() as tx:
            reason = await why_quiet(tx, alert, self._feedback, self._clock)
        if reason:
            async with self._store.write() as tx:
                await keep_quiet(tx, alert, reason)
        return bool(reason)

    async def _remembered(self) -> dict[str, Alert]:
        """Own alerts that are firing, by fingerprint; read from the store once."""
        if self._firing is None:
            async with self._store.read() as tx:
                stored = [each.alert for each in await tx.alerts.firing()]
            self._firing = {alert.fingerprint: alert for alert in stored if alert.source == SOURCE}
        return self._firing

    async def _look(self, service: Service, signal: Signal, now: datetime, firing: Mapping[str, Alert]) -> Look | None:
        """One signal now, beside a baseline that ends before its alert began; None when it cannot be read."""
        labels = labels_of(service, signal)
        known = firing.get(fingerprint(labels))
        start = now - timedelta(seconds=self._analysis.window_seconds)
        moves = known is not None and signal in SYMPTOMS  # what fills up is compared with itself, not with its normal
        normal_end = min(start, known.starts_at) if known and moves else start
        baseline = Window(start=normal_end - timedelta(seconds=self._analysis.baseline_seconds), end=normal_end)
        context = self._context(Window(start=start, end=now), baseline)
        try:
            frames = await frames_of(service.name, signal, context, fills_up=signal in SATURATION)
        except SourceError as error:
            log.warning("watch_unreadable", service=service.name, signal=signal, error=str(error))
            return None
        return Look(frames, context.window, context.baseline, labels, known)

    async def _calm_now(
        self, now: datetime, firing: Mapping[str, Alert], slots: asyncio.Semaphore
    ) -> set[tuple[str, Signal]]:
        """Signals without any open question whose samples since the last look are as ever: no close look is needed."""

        async def unseen(service: Service, signal: Signal) -> SignalFrame | None:
            identity = fingerprint(labels_of(service, signal))
            window = self._calm.unseen((service.name, signal), now)
            if window is None or identity in firing or identity in self._disagreeing:
                return None
            async with slots:
                try:
                    frames = await frames_of(service.name, signal, self._context(window, window), fills_up=False)
                except SourceError:
                    return None  # the close look tells
            return frames[0]

        asked = await asyncio.gather(*(unseen(service, signal) for service, signal in self._watched))
        frames = {(each.service, each.signal): each for each in asked if each is not None}
        return await asyncio.to_thread(self._calm.calm, frames, now)

    def _context(self, window: Window, baseline: Window) -> QueryContext:
        """What a query about these spans may look at."""
        return QueryContext(
            incident_id="",
            now=window.end,
            window=window,
            baseline=baseline,
            inventory=self._inventory,
            sources=self._sources,
            signals=self._signals,
            analysis=self._analysis,
        )

    def _change(self, look: Look, finding: Finding | None, now: datetime) -> Alert | None:
        """The alert to send about one signal, None when there is nothing new, or too early."""
        identity, known = fingerprint(look.labels), look.known
        if finding is not None and known is None and self._not_started(finding):
            finding = None
        if finding is not None and known is None:
            change = Alert(
                fingerprint=identity,
                status=AlertStatus.FIRING,
                name=look.labels["alertname"],
                severity=Severity(look.labels["severity"]),
                labels=look.labels,
                annotations={"summary": finding.text, SHAPE_ANNOTATION: finding.pattern or finding.shape.value},
                starts_at=finding.onset,
                source=SOURCE,
                service=look.labels["service"],
            )
        elif finding is None and known is not None:
            change = known.model_copy(update={"status": AlertStatus.RESOLVED, "ends_at": now})
        else:
            self._disagreeing.pop(identity, None)
            return None
        self._disagreeing[identity] = self._disagreeing.get(identity, 0) + 1
        return change if self._disagreeing[identity] >= self._settings.for_ticks else None

    def _not_started(self, finding: Finding) -> bool:
        """Whether it is about a service that was never seen to answer: missed scrapes of it are no outage."""
        return finding.signal is Signal.UP and finding.service not in self._started
