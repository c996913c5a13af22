"""The owner of all children: carries out actions one at a time a process, once per key, with everything on record."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Self

import structlog

from app.supervisor.actions import Actions
from app.supervisor.child import Child
from app.supervisor.group import Group
from app.supervisor.journal import Journal
from app.supervisor.lifeline import Guardian
from app.supervisor.logs import rotate
from app.supervisor.releases import standing_at_start, target_of
from clients.exits import exit_detail
from clients.processes.replicas import ALONE
from clients.processes.wire import ActionRecord, ActionRequest, ProcessSpec, SupervisorStatus
from core.clock import Clock
from core.errors import ActuatorError, Conflict, NotFound, SourceUnavailable, StoreUnavailable
from core.models import ActionOutcome, Change, ServiceState, Window

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0


class Supervisor:
    """Use as ``async with Supervisor(...)``: all processes are started on entry and ended on exit.

    Args:
        specs: what to run.
        journal: opened journal.
        logs_dir: folder for one ``<name>.log`` a process, or one ``<name>@<number>.log`` a replica.
    """

    def __init__(self, specs: Sequence[ProcessSpec], journal: Journal, logs_dir: Path, clock: Clock) -> None:
        self._specs = specs
        self._journal = journal
        self._logs_dir = logs_dir
        self._clock = clock
        self._started_at = clock.now()
        self._groups: dict[str, Group] = {}
        self._actions = Actions(journal.add, self._note)
        self._guardian: Guardian | None = None
        self._looker: asyncio.Task[None] | None = None
        self._closing = False

    async def __aenter__(self) -> Self:
        try:
            self._logs_dir.mkdir(parents=True, exist_ok=True)
            self._guardian = await Guardian.start()
            for spec in self._specs:
                self._groups[spec.name] = self._group(spec, self._guardian)
            await asyncio.gather(*(self._start_first(group) for group in self._groups.values()))
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
        await asyncio.gather(*(group.stop() for group in self._groups.values()))
        if self._guardian is not None:
            await self._guardian.close()

    def status(self) -> SupervisorStatus:
        """The supervisor about itself."""
        return SupervisorStatus(
            pid=os.getpid(),
            version=version("quell"),
            started_at=self._started_at,
            journal_since=self._journal.since,
            processes=tuple(self._groups),
            replicas={name: tuple(group.children) for name, group in self._groups.items() if not group.single},
        )

    async def state(self, process: str) -> ServiceState:
        """A process now.

        Raises:
            NotFound: no such process.
        """
        return await self._get(process).state()

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
        group = self._get(request.process)
        async with group.lock:
            known = self._journal.record(request.key)
            if known is not None:
                return _earlier(known, request)
            if self._closing:
                raise SourceUnavailable("the supervisor is ending", fix="start `quell supervise` again")
            target = target_of(request, group.spec, group.standing)
            begun = ActionRecord(request=request, begun_at=self._clock.now(), target=target)
            self._journal.add(begun)
            outcome = await self._actions.carry_out(group, request, target)
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

    async def _start_first(self, group: Group) -> None:
        self._note(group, "start", "supervisor")
        for child in group.children.values():
            try:
                await child.start(group.standing.release)
            except ActuatorError as error:
                log.error("process_not_started", process=child.spec.name, error=error.message, fix=error.fix)

    def _settle_interrupted(self) -> None:
        """Give actions that the end of an earlier supervisor cut short their outcome, by looking at what runs now."""
        for record in self._journal.unfinished():
            ok = self._runs_as_wanted(record)
            detail = "the supervisor ended meanwhile; " + ("it runs as wanted now" if ok else "it was not completed")
            self._journal.add(record.model_copy(update={"outcome": ActionOutcome(ok=ok, detail=detail)}))

    def _runs_as_wanted(self, record: ActionRecord) -> bool:
        group = self._groups.get(record.request.process)
        if group is None or not group.alive or record.request.action == "stop":
            return False
        if record.request.action == "scale":
            return str(len(group.children)) == record.request.parameters.get("replicas")
        return group.standing.release == record.target

    async def _look_for_ever(self) -> None:
        """Keep CPU use recent, so that one look tells how busy a process is now, and logs bounded."""
        while True:
            for child in [child for group in self._groups.values() for child in group.children.values()]:
                child.look()
                try:
                    rotate(child.log_path)
                except OSError as error:
                    log.warning("log_not_rotated", path=str(child.log_path), error=str(error))
            await self._clock.sleep(LOOK_SECONDS)

    def _group(self, spec: ProcessSpec, guardian: Guardian) -> Group:
        def make(replica: ProcessSpec, number: int) -> Child:
            log_path = self._logs_dir / f"{replica.name}.log"
            log_path.touch()
            return Child(replica, log_path, guardian, self._clock, partial(self._exited, spec.name, number))

        known = self._journal.standing(spec.name)
        group = Group(spec, standing_at_start(spec, known), make, self._clock)
        if known is not None and known.release != group.standing.release:
            self._note(group, "deploy", "quell.yaml", known.release, group.standing.release)
        self._journal.add(group.standing)
        return group

    def _note(self, group: Group, kind: str, actor: str, before: str = "", after: str = "") -> None:
        at = self._clock.now()
        self._journal.add(Change(service=group.spec.name, kind=kind, at=at, actor=actor, before=before, after=after))

    def _exited(self, process: str, number: int, code: int) -> None:
        detail = exit_detail(code) if number == ALONE else f"replica {number}: {exit_detail(code)}"
        change = Change(service=process, kind="exit", at=self._clock.now(), actor="itself", detail=detail)
        try:
            self._journal.add(change)
        except StoreUnavailable as error:
            log.error("exit_not_recorded", process=process, error=error.message, fix=error.fix)

    def _get(self, process: str) -> Group:
        group = self._groups.get(process)
        if group is None:
            raise NotFound(
                f"the supervisor runs no process {process}", fix=f"it runs: {', '.join(self._groups) or 'nothing'}"
            )
        return group


def _earlier(known: ActionRecord, request: ActionRequest) -> ActionOutcome:
    same = known.request.model_copy(update={"actor": request.actor}) == request
    if same and known.outcome is not None:
        return known.outcome
    if same:
        raise SourceUnavailable(
            f"the journal lacks the outcome of action {request.key}", fix="check free space, restart `quell supervise`"
        )
    raise Conflict(f"key {request.key} was used for another action", fix="use a fresh key")
