"""Whether an action helped: the metrics' word, not the action's exit code.

The success checks of the proposal are read again and again over a short recent span. They must all hold for
`hold_seconds` without a break before the deadline. A signal that cannot be read proves nothing: it never counts as
recovered. What the word rests on is stored as evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from pydantic import Field

from analysis.config import AnalysisConfig
from analysis.recovery import RecoveryReading, normal_of, recovered
from analysis.view import SignalFrame
from core.clock import Clock
from core.models import Attempt, Check, Incident, Model, Proposal, Recovery, Verification, Window
from remediation.presence import Presence
from stores.store import Store
from tools.context import QueryContext, windows
from tools.inventory import Inventory
from tools.outages import answers_of, tell_changes
from tools.runner import Look, Looked, keep, look
from tools.signals import SignalSpec
from tools.sources import Sources

log = structlog.get_logger(__name__)

SMALLEST_SPAN_STEPS = 3
"""Fewer samples than this are no look at a signal."""

_RECOVERY: dict[bool | None, Recovery] = {
    False: Recovery.NOT_RECOVERED,
    None: Recovery.UNREADABLE,
    True: Recovery.RECOVERED,
}
"""What the word of a check means; the first that any check says decides."""


class VerificationSettings(Model):
    """The section `verification` of quell.yaml."""

    deadline_seconds: float = Field(default=180.0, gt=0, description="after it the action counts as useless")
    hold_seconds: float = Field(default=30.0, ge=0, description="how long all checks must hold without a break")
    poll_seconds: float = Field(default=5.0, gt=0)
    settle_seconds: float = Field(default=5.0, ge=0, description="after the action, before anything is read")


@dataclass(frozen=True, slots=True)
class _Poll:
    """One reading of all checks.

    Attributes:
        recovery: of all checks together.
        detail: what the check that decided says.
        looks: the evidence that it rests on.
    """

    recovery: Recovery
    detail: str
    looks: tuple[Looked, ...]


@dataclass(frozen=True, slots=True)
class Present:
    """How things stand before an action.

    Attributes:
        anomalous: whether the success checks fail; None when that cannot be read.
        source_away: a source did not answer, which is something else than a signal without samples.
    """

    anomalous: bool | None
    source_away: bool


class Verifier:
    """Reads success checks. A source that does not answer meanwhile is told on the incident's timeline."""

    def __init__(
        self,
        store: Store,
        sources: Sources,
        inventory: Inventory,
        clock: Clock,
        settings: VerificationSettings,
        analysis: AnalysisConfig,
        signals: Sequence[SignalSpec],
    ) -> None:
        self._store = store
        self._sources = sources
        self._inventory = inventory
        self._clock = clock
        self._settings = settings
        self._analysis = analysis
        self._signals = tuple(signals)
        self._presence = Presence(store, clock)

    async def verify(self, incident: Incident, attempt: Attempt) -> Verification:
        """Wait until the checks have held long enough, or until the deadline."""
        began = self._clock.monotonic()
        acted_on = self._inventory.get(attempt.proposal.service)
        actuator = self._sources.actuator_for(acted_on) if acted_on else None
        acted_at = attempt.ended_at or attempt.reserved_at
        settled_at = acted_at + timedelta(seconds=self._settings.settle_seconds)
        await self._clock.sleep(max(0.0, (settled_at - self._clock.now()).total_seconds()))
        span_seconds = max(self._settings.poll_seconds, SMALLEST_SPAN_STEPS * self._analysis.step_seconds)
        polls: list[_Poll] = []
        held_since: float | None = None
        while True:
            start = max(settled_at, self._clock.now() - timedelta(seconds=span_seconds))
            poll = await self._poll(incident, attempt.proposal, start)
            await self._tell_outages(incident, poll)
            if actuator is not None:
                await self._presence.look(incident.id, actuator)
            seconds = self._clock.monotonic() - began
            log.debug("recovery_read", attempt=attempt.id, recovery=poll.recovery, detail=poll.detail)
            if poll.recovery is not Recovery.RECOVERED:
                polls, held_since = [poll], None
            elif held_since is None:
                polls, held_since = [poll], seconds
            else:
                polls.append(poll)
            held = held_since is not None and seconds - held_since >= self._settings.hold_seconds
            if held or seconds + self._settings.poll_seconds > self._settings.deadline_seconds:
                return await self._word(polls, held=held, seconds=seconds)
            await self._clock.sleep(self._settings.poll_seconds)

    async def present(self, incident: Incident, proposal: Proposal) -> Present:
        """Whether the success checks fail over the last `hold_seconds`; the reading is stored."""
        span_seconds = max(self._settings.hold_seconds, SMALLEST_SPAN_STEPS * self._analysis.step_seconds)
        poll = await self._poll(incident, proposal, self._clock.now() - timedelta(seconds=span_seconds))
        await self._tell_outages(incident, poll)
        await self._keep([poll])
        anomalous = {Recovery.RECOVERED: False, Recovery.NOT_RECOVERED: True, Recovery.UNREADABLE: None}[poll.recovery]
        return Present(anomalous, source_away=any(evidence.error for evidence, _ in poll.looks))

    async def _word(self, polls: Sequence[_Poll], *, held: bool, seconds: float) -> Verification:
        """What the last polls say: all of an unbroken hold, or the one that failed."""
        last = polls[-1]
        recovery, detail = last.recovery, last.detail
        if recovery is Recovery.RECOVERED and not held:
            recovery = Recovery.NOT_RECOVERED
            detail = f"not for {self._settings.hold_seconds:.0f} s yet at the deadline: {detail}"
        return Verification(
            recovery=recovery, seconds=round(seconds, 3), detail=detail, evidence=await self._keep(polls)
        )

    async def _keep(self, polls: Sequence[_Poll]) -> tuple[str, ...]:
        """Store what was read; the ids of the evidence."""
        looks = [each for poll in polls for each in poll.looks]
        async with self._store.write() as tx:
            await keep(tx, looks)
        return tuple(dict.fromkeys(evidence.id for evidence, _ in looks))

    async def _tell_outages(self, incident: Incident, poll: _Poll) -> None:
        """The last reading alone is kept in the end, so that an outage before it must be told when it is seen."""
        answers = answers_of(poll.looks, self._sources, self._inventory)
        await tell_changes(self._store, incident.id, answers, self._clock.now())

    async def _poll(self, incident: Incident, proposal: Proposal, start: datetime) -> _Poll:
        """Read every check once, from `start` to now."""
        context = await self._context(incident, start)
        measured = {spec.signal for spec in self._signals}
        looks: list[Looked] = []
        readings: list[RecoveryReading] = []
        for check in proposal.success_checks:
            if check.signal not in measured:
                readings.append(RecoveryReading(None, f"no metric measures {check.signal}"))
                continue
            seen = await look("metric_digest", {"service": check.service, "signal": check.signal}, context)
            looks.append((seen.evidence, seen.calls))
            readings.append(_reading(check, seen, context))
        return _judged(readings, tuple(looks))

    async def _context(self, incident: Incident, start: datetime) -> QueryContext:
        """The time from `start` to now, against the baseline that the diagnosis used."""
        async with self._store.read() as tx:
            alerts = tuple(await tx.alerts.of_incident(incident.id))
        _, baseline = windows(incident.investigated_at or incident.opened_at, alerts, self._analysis)
        now = self._clock.now()
        return QueryContext(
            incident_id=incident.id,
            now=now,
            window=Window(start=min(start, now), end=now),
            baseline=baseline,
            inventory=self._inventory,
            sources=self._sources,
            signals=self._signals,
            analysis=self._analysis,
        )


def _reading(check: Check, seen: Look, context: QueryContext) -> RecoveryReading:
    """What the samples of the context's window say, against the normal of its baseline."""
    if seen.raw is None:
        return RecoveryReading(None, f"{check.signal} of {check.service}: {seen.evidence.error}")
    frame: SignalFrame = seen.raw
    normal = normal_of(frame, context.baseline, context.window, context.analysis)
    recent = (frame.times >= context.window.start.timestamp()) & (frame.times <= context.window.end.timestamp())
    now = replace(frame, times=frame.times[recent], values=frame.values[recent])
    return recovered(normal, now, context.analysis)


def _judged(readings: Sequence[RecoveryReading], looks: tuple[Looked, ...]) -> _Poll:
    """A failing check decides before one that cannot be read; without checks nothing can be proven."""
    if not readings:
        return _Poll(Recovery.UNREADABLE, "the proposal names no success check", looks)
    said = [reading.ok for reading in readings]
    deciding = next(ok for ok in _RECOVERY if ok in said)
    told = "; ".join(reading.detail for reading in readings if reading.ok is deciding)
    return _Poll(_RECOVERY[deciding], told, looks)
