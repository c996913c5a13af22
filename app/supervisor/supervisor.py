"""The owner of all children: carries out actions one at a time a process, once per key, with everything on record."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Self

import structlog

from app.supervisor.child import Child
from app.supervisor.journal import Journal, Standing
from app.supervisor.lifeline import Guardian
from app.supervisor.logs import rotate
from app.supervisor.releases import SWITCHES, standing_at_start, target_of
from app.supervisor.states import describe
from clients.exits import exit_detail
from clients.processes.wire import ActionRecord, ActionRequest, ProcessSpec, SupervisorStatus
from core.clock import Clock
from core.errors import ActuatorError, Conflict, NotFound, SourceUnavailable, StoreUnavailable
from core.models import ActionOutcome, Change, RunState, ServiceState, Window

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
SETTLE_SECONDS = 0.3
"""How long a process without a health check must live to count as started."""
POLL_SECONDS = 0.05


@dataclass(slots=True)
class _Managed:
    child: Child
    standing: Standing
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Supervisor:
    """Use as ``async with Supervisor(...)``: all processes are started on entry and ended on exit.

    Args:
        specs: what to run.
        journal: opened journal.
        logs_dir: folder for one ``<name>.log`` a process.
    """

    def __init__(self, specs: Sequence[ProcessSpec], journal: Journal, logs_dir: Path, clock: Clock) -> None:
        self._specs = specs
        self._journal = journal
        self._logs_dir = logs_dir
        self._clock = clock
        self._started_at = clock.now()
        self._managed: dict[str, _Managed] = {}
        self._guardian: Guardian | None = None
        self._looker: asyncio.Task[None] | None = None
        self._closing = False

    async def __aenter__(self) -> Self:
        try:
            self._logs_dir.mkdir(parents=True, exist_ok=True)
            self._guardian = await Guardian.start()
            for spec in self._specs:
                self._managed[spec.name] = self._manage(spec, self._guardian)
            await asyncio.gather(*(self._start_first(managed) for managed in self._managed.values()))
            self._settle_interrupted()
            self._looker = asyncio.create_task(self._look_for_ever())
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Refuse further actions and end all processes, each in its own grace."""
        self._closing = True
        if self._looker is not None:
            self._looker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._looker
        await asyncio.gather(*(managed.child.stop() for managed in self._managed.values()))
        if self._guardian is not None:
            await self._guardian.close()

    def status(self) -> SupervisorStatus:
        """The supervisor about itself."""
        return SupervisorStatus(
            pid=os.getpid(),
            version=version("quell"),
            started_at=self._started_at,
            journal_since=self._journal.since,
            processes=tuple(self._managed),
        )

    async def state(self, process: str) -> ServiceState:
        """A process now.

        Raises:
            NotFound: no such process.
        """
        managed = self._get(process)
        return await describe(managed.child, managed.standing, self._clock.now())

    def changes(self, process: str, window: Window) -> Sequence[Change]:
        """What happened to a process in a window.

        Raises:
            NotFound: no such process.
        """
        self._get(process)
        return self._journal.changes(process, window)

    def record(self, key: str) -> ActionRecord | None:
        """What is known of an action."""
        return self._journal.record(key)

    async def perform(self, request: ActionRequest) -> ActionOutcome:
        """Carry a request out, once per key; the same request again gets the first one's outcome.

        Raises:
            NotFound: no such process.
            ActuatorError: the action is not possible; nothing was done.
            Conflict: the key belongs to another request.
            StoreUnavailable: the journal cannot be written; `record` says whether the action was begun.
            SourceUnavailable: the supervisor is about to end.
        """
        managed = self._get(request.process)
        async with managed.lock:
            known = self._journal.record(request.key)
            if known is not None:
                return _earlier(known, request)
            if self._closing:
                raise SourceUnavailable("the supervisor is ending", fix="start `quell supervise` again")
            target = target_of(request, managed.child.spec, managed.standing)
            begun = ActionRecord(request=request, begun_at=self._clock.now(), target=target)
            self._journal.add(begun)
            outcome = await self._carry_out(managed, request, target)
            self._journal.add(begun.model_copy(update={"outcome": outcome}))
        log.info(
            "action_done",
            action=request.action,
            process=request.process,
            key=request.key,
            ok=outcome.ok,
            detail=outcome.detail,
        )
        return outcome

    async def _carry_out(self, managed: _Managed, request: ActionRequest, target: str) -> ActionOutcome:
        child, before = managed.child, managed.standing.release
        if request.action in SWITCHES:
            self._note(child, request.action, request.actor, before, target)
            managed.standing = managed.standing.model_copy(update={"release": target, "previous": before})
            self._journal.add(managed.standing)
            return await self._start_again(managed, before=before, after=target)
        if request.action == "stop":
            was = "alive" if child.alive else "not running"
            self._note(child, "stop", request.actor)
            await child.stop()
            return ActionOutcome(ok=True, detail=f"stopped; it was {was}", before=was, after="stopped")
        if request.action == "start" and child.alive:
            stat, _ = child.look()
            suspended = stat is not None and stat.suspended
            detail = "alive but suspended: restart it instead" if suspended else "already running"
            return ActionOutcome(ok=not suspended, detail=detail)
        was = str(child.run.pid) if child.run and child.alive else "not running"
        self._note(child, request.action, request.actor, before=was)
        return await self._start_again(managed, before=was)

    async def _start_again(self, managed: _Managed, before: str, after: str = "") -> ActionOutcome:
        child = managed.child
        await child.stop()
        try:
            run = await child.start(managed.standing.release)
        except ActuatorError as error:
            return ActionOutcome(ok=False, detail=str(error), before=before)
        ok, detail = await self._settled(managed)
        return ActionOutcome(ok=ok, detail=f"process {run.pid}: {detail}", before=before, after=after or str(run.pid))

    async def _settled(self, managed: _Managed) -> tuple[bool, str]:
        """Wait until a fresh process is well, has ended, or took too long."""
        while True:
            state = await self.state(managed.child.spec.name)
            if state.state not in (RunState.RUNNING, RunState.STARTING):
                return False, state.health_detail
            if state.healthy:
                return True, "healthy"
            if state.healthy is None and managed.child.age_seconds >= SETTLE_SECONDS:
                return True, "running; it has no health check"
            if state.healthy is False and state.state is RunState.RUNNING:
                return False, f"not healthy in time: {state.health_detail}"
            await self._clock.sleep(POLL_SECONDS)

    async def _start_first(self, managed: _Managed) -> None:
        self._note(managed.child, "start", "supervisor")
        try:
            await managed.child.start(managed.standing.release)
        except ActuatorError as error:
            log.error("process_not_started", process=managed.child.spec.name, error=error.message, fix=error.fix)

    def _settle_interrupted(self) -> None:
        """Give actions that the end of an earlier supervisor cut short their outcome, by looking at what runs now."""
        for record in self._journal.unfinished():
            managed = self._managed.get(record.request.process)
            runs = managed is not None and managed.child.alive and managed.standing.release == record.target
            ok = runs and record.request.action != "stop"
            detail = "the supervisor ended meanwhile; " + ("it runs as wanted now" if ok else "it was not completed")
            self._journal.add(record.model_copy(update={"outcome": ActionOutcome(ok=ok, detail=detail)}))

    async def _look_for_ever(self) -> None:
        """Keep CPU use recent, so that one look tells how busy a process is now, and logs bounded."""
        while True:
            for managed in self._managed.values():
                managed.child.look()
                try:
                    rotate(managed.child.log_path)
                except OSError as error:
                    log.warning("log_not_rotated", path=str(managed.child.log_path), error=str(error))
            await self._clock.sleep(LOOK_SECONDS)

    def _manage(self, spec: ProcessSpec, guardian: Guardian) -> _Managed:
        log_path = self._logs_dir / f"{spec.name}.log"
        log_path.touch()
        child = Child(spec, log_path, guardian, self._clock, partial(self._exited, spec.name))
        known = self._journal.standing(spec.name)
        standing = standing_at_start(spec, known)
        if known is not None and known.release != standing.release:
            self._note(child, "deploy", "quell.yaml", known.release, standing.release)
        self._journal.add(standing)
        return _Managed(child, standing)

    def _note(self, child: Child, kind: str, actor: str, before: str = "", after: str = "") -> None:
        at = self._clock.now()
        self._journal.add(Change(service=child.spec.name, kind=kind, at=at, actor=actor, before=before, after=after))

    def _exited(self, process: str, code: int) -> None:
        change = Change(service=process, kind="exit", at=self._clock.now(), actor="itself", detail=exit_detail(code))
        try:
            self._journal.add(change)
        except StoreUnavailable as error:
            log.error("exit_not_recorded", process=process, error=error.message, fix=error.fix)

    def _get(self, process: str) -> _Managed:
        managed = self._managed.get(process)
        if managed is None:
            raise NotFound(
                f"the supervisor runs no process {process}", fix=f"it runs: {', '.join(self._managed) or 'nothing'}"
            )
        return managed


def _earlier(known: ActionRecord, request: ActionRequest) -> ActionOutcome:
    same = known.request.model_copy(update={"actor": request.actor}) == request
    if same and known.outcome is not None:
        return known.outcome
    if same:
        raise SourceUnavailable(
            f"the journal lacks the outcome of action {request.key}", fix="check free space, restart `quell supervise`"
        )
    raise Conflict(f"key {request.key} was used for another action", fix="use a fresh key")
