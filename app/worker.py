"""The loop that takes alerts from the inbox and incidents through the graph.

Several workers may share one store: a lease decides who runs an incident, and a worker that died loses its lease.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid

import structlog

from app.outages import OutageLog
from app.worker_settings import WorkerSettings
from core.clock import Clock
from core.errors import LeaseLost, QuellError, StoreUnavailable
from core.models import LIVE, AlertStatus, ApprovalState, Incident, IncidentStatus
from events.intake import Intake
from graphs.runner import IncidentRunner
from stores.leases import Lease
from stores.store import Store

log = structlog.get_logger(__name__)

MOST_LIVE = 1000
"""Live incidents looked at in one turn."""

HEARTBEATS = 3
"""A lease is renewed this many times before it would run out."""


class Worker:
    """Drains the inbox and runs what is runnable, until stopped."""

    def __init__(
        self,
        store: Store,
        intake: Intake,
        runner: IncidentRunner,
        clock: Clock,
        settings: WorkerSettings,
    ) -> None:
        self._store = store
        self._intake = intake
        self._runner = runner
        self._clock = clock
        self._settings = settings
        self._holder = f"worker-{uuid.uuid4().hex[:12]}"
        self._outages = OutageLog(store, clock, self._holder)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look now instead of at the next poll: something arrived or was decided."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled; runs under way are cancelled with it and resume elsewhere."""
        try:
            while True:
                try:
                    await self._outages.tell()
                    await self.turn()
                except StoreUnavailable as error:
                    self._outages.saw(error)
                except Exception:  # a process boundary: one bad turn must not end the worker
                    log.exception("worker_turn_failed")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._settings.poll_seconds)
                self._wake.clear()
        finally:
            await self._cancel_runs()

    async def turn(self) -> None:
        """Drain the inbox, then start what may run and is not running yet."""
        await self._intake.drain()
        for incident in await self.runnable():
            if len(self._running) >= self._settings.concurrency:
                return
            if incident.id not in self._running:
                await self._start(incident)

    async def idle(self) -> bool:
        """Whether nothing runs here and nothing could."""
        async with self._store.read() as tx:
            pending = await tx.inbox.pending(1)
        return not pending and not self._running and not await self.runnable()

    async def runnable(self) -> list[Incident]:
        """Live incidents that do not wait for a human, oldest first; those whose alerts resolved wait no longer."""
        async with self._store.read() as tx:
            live = await tx.incidents.find(statuses=LIVE, limit=MOST_LIVE)
        return [incident for incident in reversed(live) if await self._may_go_on(incident)]

    async def _may_go_on(self, incident: Incident) -> bool:
        if incident.status is not IncidentStatus.AWAITING_APPROVAL or incident.stop_requested:
            return True
        async with self._store.read() as tx:
            pending = await tx.approvals.find(state=ApprovalState.PENDING, incident=incident.id)
            alerts = await tx.alerts.of_incident(incident.id)
        if not pending:
            return True
        if any(alert.status is AlertStatus.FIRING for alert in alerts):
            return False
        async with self._store.write() as tx:
            for approval in await tx.approvals.find(state=ApprovalState.PENDING, incident=incident.id):
                await tx.approvals.decide(approval.id, ApprovalState.EXPIRED, "quell", "the alerts resolved")
        return True

    async def _start(self, incident: Incident) -> None:
        async with self._store.write() as tx:
            lease = await tx.leases.acquire(incident.id, self._holder, self._settings.lease_seconds)
        if lease is None:
            return
        task = asyncio.create_task(self._run_one(incident, lease), name=f"incident-{incident.id}")
        self._running[incident.id] = task
        task.add_done_callback(lambda _: self._ended(incident.id))

    def _ended(self, incident_id: str) -> None:
        self._running.pop(incident_id, None)
        self.wake()

    async def _run_one(self, incident: Incident, lease: Lease) -> None:
        names = {"incident_id": incident.id, "service": incident.service, "trace_id": incident.trace_id}
        with structlog.contextvars.bound_contextvars(**{name: value for name, value in names.items() if value}):
            heartbeat = asyncio.create_task(self._keep_alive(lease, asyncio.current_task()))
            try:
                result = await self._runner.run(incident.id, lease)
                log.info("incident_run_ended", result=result.value)
            except LeaseLost:
                log.warning("lease_lost")
            except QuellError as error:
                if isinstance(error, StoreUnavailable):
                    self._outages.saw(error)
                log.warning("incident_run_interrupted", error=str(error))
                await self._clock.sleep(self._settings.poll_seconds)
            except Exception as error:  # a process boundary: a bug must reach a human, not end the worker
                log.exception("incident_run_failed")
                await self._hand_over(incident.id, lease, error)
            finally:
                heartbeat.cancel()
                await self._release(lease)

    async def _hand_over(self, incident_id: str, lease: Lease, error: Exception) -> None:
        try:
            await self._runner.hand_over_after_bug(incident_id, lease, error)
        except QuellError as told:  # the incident stays live: it is run again, and fails or is handed over then
            log.warning("incident_not_handed_over", error=str(told))

    async def _keep_alive(self, lease: Lease, run: asyncio.Task[None] | None) -> None:
        while True:
            await asyncio.sleep(self._settings.lease_seconds / HEARTBEATS)
            try:
                async with self._store.write() as tx:
                    lease = await tx.leases.renew(lease, self._settings.lease_seconds)
            except LeaseLost:
                log.warning("lease_lost")
                if run is not None:
                    run.cancel()
                return
            except QuellError as error:
                log.warning("lease_not_renewed", error=str(error))

    async def _release(self, lease: Lease) -> None:
        try:
            async with self._store.write() as tx:
                await tx.leases.release(lease)
        except QuellError as error:
            log.warning("lease_not_released", error=str(error))

    async def _cancel_runs(self) -> None:
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
