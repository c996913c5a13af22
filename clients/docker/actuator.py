"""The actuator for Docker containers: sees them, restarts, starts, stops and rolls them back.

An action is put on record before it is sent and after it has ended, and each step looks before it acts: a second call
with the same key, after a crash of Quell or of the engine too, completes what is missing instead of doing it twice. The
engine's own restart policy is left to its work: what it is restarting, or has just restarted, is waited for.
"""

from __future__ import annotations

from collections.abc import Sequence

from clients.docker.engine import Engine
from clients.docker.journal import EngineAction
from clients.docker.once import OUTAGE_SECONDS, Once
from clients.docker.rollback import Rollback, choose_image
from clients.docker.settling import look, settled
from clients.docker.states import state_of
from clients.docker.stats import UsageMeter
from clients.docker.status import engine_status
from clients.docker.views import ContainerView
from clients.docker.watch import EngineWatch, container_subject
from core.clock import Clock
from core.errors import ActuatorError
from core.models import ActionOutcome, Change, Service, ServiceState, Utc, Window
from core.ports import SourceStatus

ACTIONS = ("restart", "start", "stop", "rollback")
FRESH_SECONDS = 10.0
"""A container that the engine itself restarted less than this ago gets its chance before it is restarted again."""
UNDER_WAY_SECONDS = 5.0
"""The engine may still be carrying out a request of a Quell that has died, for this long beyond the grace of a stop."""


class DockerActuator:
    """A `core.ports.Actuator` whose services name a container in their identity.

    Args:
        outage_seconds: how long an engine that went away within an action is waited for.
    """

    name = "docker"

    def __init__(
        self, engine: Engine, watch: EngineWatch, clock: Clock, *, outage_seconds: float = OUTAGE_SECONDS
    ) -> None:
        self._engine = engine
        self._watch = watch
        self._clock = clock
        self._meter = UsageMeter(engine)
        self._once = Once(watch, clock, outage_seconds)

    def owns(self, service: Service) -> bool:
        """Whether the service names a container, and no Swarm service that makes its containers."""
        return bool(service.identity.container) and not service.identity.swarm_service

    async def state(self, service: Service) -> ServiceState:
        """The container now, under the service's name; missing when there is none.

        Raises:
            SourceUnavailable, SourceRejected: the engine did not answer.
        """
        subject = container_subject(service.identity.container)
        await self._watch.catch_up()
        view = await look(self._engine, service.identity.container)
        usage = await self._meter.read(view.id) if view is not None and view.running else None
        by_hand = view is not None and self._watch.stopped_by_hand(subject, view.id)
        previous = self._watch.previous(subject, view.image, view.image_id) if view is not None else None
        state = state_of(service.name, view, usage, self._clock.now(), stopped_by_hand=by_hand)
        return state.model_copy(
            update={"actuator": self.name, "previous_release": previous.release if previous else ""}
        )

    async def changes(self, service: Service, window: Window) -> Sequence[Change]:
        """Deploys, starts, stops, restarts, rollbacks and exits, oldest first; errors as in `state`."""
        await self._watch.catch_up()
        return self._watch.changes(container_subject(service.identity.container), service.name, window)

    async def run(self, action: str, service: Service, parameters: dict[str, str], key: str) -> ActionOutcome:
        """Carry an action out, once per key.

        Raises:
            ActuatorError: the action is not possible; nothing was done.
            SourceUnavailable: the engine did not answer; whether the action happened is unknown.
        """
        if action not in ACTIONS:
            raise ActuatorError(f"containers know no action {action}", fix=f"use one of {', '.join(ACTIONS)}")
        name = service.identity.container

        async def plan() -> EngineAction:
            return await self._planned(action, name, parameters, key)

        async def step(record: EngineAction) -> tuple[bool, ActionOutcome]:
            return await self._carry_out(name, record)

        return await self._once.run(container_subject(name), action, parameters, key, plan, step)

    async def observe(
        self, action: str, service: Service, parameters: dict[str, str], key: str, since: Utc
    ) -> bool | None:
        """Whether the action has happened: by the journal, else by the container; None while it is under way.

        Raises:
            SourceUnavailable: the engine does not answer.
        """
        name = service.identity.container
        record = self._watch.journal.action(key)
        if record is not None and record.outcome is not None:
            return record.outcome.ok
        if action == "rollback":
            pending = record or EngineAction(key=key, action=action, subject=container_subject(name), begun_at=since)
            done = await Rollback(self._engine, self._clock, name, pending).done()
            # Half-way: this process would have completed it; after a crash nobody will, unless it is run again.
            return False if done is None and not self._once.began(key) else done
        view = await look(self._engine, name)
        seen = _seen(action, view, since)
        if seen is False and record is not None and view is not None:
            waited = (self._clock.now() - record.begun_at).total_seconds()
            return None if waited < view.stop_seconds + UNDER_WAY_SECONDS else False
        return seen

    async def status(self) -> SourceStatus:
        """Reachable when the engine answers."""
        return await engine_status(self._engine, self.name)

    async def _planned(self, action: str, name: str, parameters: dict[str, str], key: str) -> EngineAction:
        """The action with all that must be known before it changes anything."""
        await self._watch.catch_up()
        view = await look(self._engine, name)
        if view is None:
            raise ActuatorError(f"there is no container {name}", fix="see `docker ps --all`, or create it again")
        record = EngineAction(
            key=key,
            action=action,
            subject=container_subject(name),
            parameters=parameters,
            begun_at=self._clock.now(),
            before=view.release if action == "rollback" else view.status,
        )
        if action != "rollback":
            return record
        wanted = parameters.get("release", "")
        image, release = await choose_image(self._engine, self._watch, record.subject, view, wanted)
        return record.model_copy(update={"image": image, "release": release})

    async def _carry_out(self, name: str, record: EngineAction) -> tuple[bool, ActionOutcome]:
        """Whether the engine was told to do anything, and what came of it."""
        if record.action == "rollback":
            return True, await Rollback(self._engine, self._clock, name, record).run()
        view = await look(self._engine, name)
        if view is None:
            raise ActuatorError(f"there is no container {name}", fix="see `docker ps --all`, or create it again")
        if record.action == "stop":
            await self._engine.stop(view.id, view.stop_seconds)
            return True, ActionOutcome(
                ok=True, detail=f"stopped; it was {record.before}", before=record.before, after="exited"
            )
        done = view.running and view.started_at is not None and view.started_at >= record.begun_at
        acting = self._engine_acts(view)
        if record.action == "restart" and not done and not acting:
            await self._engine.restart(view.id, view.stop_seconds)
        elif record.action == "start" and not view.running and not acting:
            await self._engine.start(view.id)
        ok, detail = await settled(self._engine, name, self._clock)
        if acting:
            detail = f"left to the engine, whose restart policy ({view.policy}) is acting: {detail}"
        outcome = ActionOutcome(ok=ok, detail=f"container {name}: {detail}", before=record.before, after="running")
        return not acting, outcome if ok else outcome.model_copy(update={"after": ""})

    def _engine_acts(self, view: ContainerView) -> bool:
        """Whether the engine's own restart policy is at work on it, or was a moment ago."""
        if view.status == "restarting":
            return True
        if not (view.running and view.engine_restarts and view.restarts and view.started_at):
            return False
        return (self._clock.now() - view.started_at).total_seconds() < FRESH_SECONDS


def _seen(action: str, view: ContainerView | None, since: Utc) -> bool | None:
    """What a container looks like after an action; the engine's own start counts: it must not be raced."""
    if view is None:
        return False
    if view.status == "restarting":
        return None
    if action == "stop":
        return not view.running
    if action == "start":
        return view.running
    return view.running and view.started_at is not None and view.started_at >= since
