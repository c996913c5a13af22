"""The actuator for Docker Swarm services: sees them, scales, restarts, starts, stops and rolls them back.

Every action is one update of the whole specification, at the version that was read, with nothing changed but what the
action means; its key travels in the labels of the same update, so that the swarm itself knows whether it was done.
Tasks that are healthy are kept: one that replaces another is started first where both can run. Whether an update came
to something is asked of the tasks, since the swarm reports `completed` when all of them were rejected.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from clients.docker.engine import Engine, Json, known
from clients.docker.images import release_of, with_release
from clients.docker.journal import EngineAction
from clients.docker.once import OUTAGE_SECONDS, Once
from clients.docker.stats import UsageMeter
from clients.docker.status import engine_status
from clients.docker.watch import EngineWatch, service_subject
from clients.swarm.specs import (
    Mark,
    forced,
    gentle,
    image_of,
    mark_of,
    marked,
    replicas_before_stop,
    replicas_of,
    scaled,
    ungentle,
    with_image,
)
from clients.swarm.states import state_of
from clients.swarm.tasks import ENDED, Progress, TaskView, ended_badly, progress, task_views
from core.clock import Clock
from core.errors import ActuatorError, SourceRejected
from core.models import ActionOutcome, Change, RunState, Service, ServiceState, Utc, Window
from core.ports import SourceStatus

ACTIONS = ("scale", "restart", "start", "stop", "rollback")
LONGEST_SECONDS = 90.0
"""No action waits longer; the swarm goes on by itself, and whether the service is well is for the metrics to say."""
POLL_SECONDS = 0.2
MOST_REPLICAS = 1000
_CONFLICT = "out of sequence"
_TRIES = 5


class SwarmActuator:
    """A `core.ports.Actuator` whose services name a Swarm service in their identity.

    Args:
        outage_seconds: how long an engine that went away within an action is waited for.
        longest_seconds: how long tasks are waited for.
    """

    name = "swarm"

    def __init__(
        self,
        engine: Engine,
        watch: EngineWatch,
        clock: Clock,
        *,
        outage_seconds: float = OUTAGE_SECONDS,
        longest_seconds: float = LONGEST_SECONDS,
    ) -> None:
        self._engine = engine
        self._watch = watch
        self._clock = clock
        self._longest_seconds = longest_seconds
        self._meter = UsageMeter(engine)
        self._once = Once(watch, clock, outage_seconds)

    def owns(self, service: Service) -> bool:
        """Whether the service names a Swarm service."""
        return bool(service.identity.swarm_service)

    async def state(self, service: Service) -> ServiceState:
        """The tasks together, under the service's name; missing when there is no such service.

        CPU and memory are those of the tasks on this node; unknown when none runs here.

        Raises:
            SourceUnavailable, SourceRejected: the engine did not answer.
        """
        name = service.identity.swarm_service
        await self._watch.catch_up()
        told = await self._engine.service(name)
        tasks = task_views(await self._engine.tasks(name), await self._engine.skew()) if told else []
        usages = [await self._meter.read(task.container_id, wait=False) for task in tasks if task.running]
        previous = self._watch.previous(service_subject(name), image_of(told["Spec"]), "") if told else None
        state = state_of(service.name, told, tasks, usages, self._clock.now())
        return state.model_copy(
            update={
                "actuator": self.name,
                "previous_release": previous.release if previous else "",
                "out_of_memory": state.state is RunState.EXITED and await self._out_of_memory(tasks),
            }
        )

    async def _out_of_memory(self, tasks: Sequence[TaskView]) -> bool:
        """Whether the last task that ended badly was killed at its limit; only its container on this node tells."""
        last = next(iter(ended_badly(tasks)), None)
        told = await self._engine.container(last.container_id) if last and last.container_id else None
        return told is not None and bool((told.get("State") or {}).get("OOMKilled"))

    async def changes(self, service: Service, window: Window) -> Sequence[Change]:
        """Deploys, scalings, actions, and tasks that failed or were rejected, oldest first; errors as in `state`."""
        name = service.identity.swarm_service
        await self._watch.catch_up()
        found = list(self._watch.changes(service_subject(name), service.name, window))
        rows = await self._engine.tasks(name) if await self._engine.service(name) else []
        tasks = task_views(rows, await self._engine.skew())
        found += [
            Change(service=service.name, kind="exit", at=task.since, actor="itself", detail=task.detail)
            for task in (*ended_badly(tasks), *(task for task in tasks if task.state == "complete"))
            if window.start <= task.since < window.end
        ]
        return tuple(sorted(found, key=lambda change: change.at))

    async def run(self, action: str, service: Service, parameters: dict[str, str], key: str) -> ActionOutcome:
        """Carry an action out, once per key.

        Raises:
            ActuatorError: the action is not possible; nothing was done.
            SourceUnavailable: the engine did not answer; whether the action happened is unknown.
        """
        if action not in ACTIONS:
            raise ActuatorError(f"Swarm services know no action {action}", fix=f"use one of {', '.join(ACTIONS)}")
        subject = service_subject(service.identity.swarm_service)

        async def plan() -> EngineAction:
            return await self._planned(action, service, parameters, key)

        async def step(record: EngineAction) -> tuple[bool, ActionOutcome]:
            return True, await self._carry_out(service, record)

        return await self._once.run(subject, action, parameters, key, plan, step)

    async def observe(
        self, action: str, service: Service, parameters: dict[str, str], key: str, since: Utc
    ) -> bool | None:
        """Whether the action has happened: by the journal, else by the mark in the service and by its tasks.

        Raises:
            SourceUnavailable: the engine does not answer.
        """
        record = self._watch.journal.action(key)
        if record is not None and record.outcome is not None:
            return record.outcome.ok
        told = await self._engine.service(service.identity.swarm_service)
        mark = mark_of(told["Spec"]) if told else None
        if told is None or mark is None or mark.key != key or mark.failed:
            return False
        seen = await self._progress(told, since)
        return True if seen.done else False if seen.failed else None

    async def status(self) -> SourceStatus:
        """Reachable when the engine answers and manages a swarm."""
        return await engine_status(self._engine, self.name, swarm=True)

    async def _planned(self, action: str, service: Service, parameters: dict[str, str], key: str) -> EngineAction:
        name = service.identity.swarm_service
        await self._watch.catch_up()
        told = await self._engine.service(name)
        if told is None:
            raise ActuatorError(f"there is no Swarm service {name}", fix="see `docker service ls`")
        spec = told["Spec"]
        record = EngineAction(
            key=key,
            action=action,
            subject=service_subject(name),
            parameters=parameters,
            begun_at=self._clock.now(),
        )
        if action == "restart":
            return record
        if action == "rollback":
            image = await self._earlier_image(name, spec, parameters.get("release", ""))
            before, after = release_of(image_of(spec), "", {}), release_of(image, "", {})
            return record.model_copy(update={"before": before, "image": image, "release": after})
        count = replicas_of(spec)
        if count is None:
            raise ActuatorError(f"{name} runs one task on each node: it has no number of replicas", fix="use restart")
        wanted = _wanted_replicas(action, parameters, spec, count)
        return record.model_copy(update={"before": str(count), "release": str(wanted)})

    async def _earlier_image(self, name: str, spec: Json, release: str) -> str:
        """The image of a release, or of the one before.

        Raises:
            ActuatorError: it is not known, or runs already.
        """
        now, subject = image_of(spec), service_subject(name)
        if release:
            seen = self._watch.with_release(subject, release)
            image = seen.image if seen else with_release(now, release)
        else:
            seen = self._watch.previous(subject, now, "")
            mark = mark_of(spec)
            ran_before = [mark.image_before] if mark and mark.image_before and mark.image_after == now else []
            tasks = task_views(await self._engine.tasks(name), await self._engine.skew())
            ran_before += [task.image for task in tasks if task.image != now]
            image = seen.image if seen else next(iter(ran_before), "")
        if not image:
            raise ActuatorError(f"{name}: the release before is not known", fix="name the release to go back to")
        if image == now:
            raise ActuatorError(f"{name} runs {release} already", fix="name another release")
        return image

    async def _carry_out(self, service: Service, record: EngineAction) -> ActionOutcome:
        """Update unless the mark says that this was done, wait for the tasks, and put back what does not come up."""
        name = service.identity.swarm_service
        told = known(await self._engine.service(name), "Swarm service", name)
        mark = mark_of(told["Spec"])
        if mark is None or mark.key != record.key:
            told = await self._update(service, record)
        if mark is not None and mark.key == record.key and mark.failed:
            ok, detail = False, "it was tried before"
        else:
            ok, detail = await self._converged(name, record.begun_at)
        if not ok and record.action == "rollback":
            await self._put_back(name, record)
            detail = f"release {record.release} does not come up, {record.before} is back: {detail}"
        await self._restore_order(name)
        after = record.release if ok or record.action != "rollback" else record.before
        return ActionOutcome(ok=ok, detail=f"service {name}: {detail}", before=record.before, after=after)

    async def _update(self, service: Service, record: EngineAction) -> Json:
        """Send the update, on the version that was read; somebody else's update in between is taken into account."""
        name = service.identity.swarm_service
        for attempt in range(_TRIES):
            told = known(await self._engine.service(name), "Swarm service", name)
            spec = told["Spec"]
            edited = _edited(spec, record, await self._given_up(told) if record.action == "start" else False)
            if record.action in ("restart", "rollback"):
                edited = gentle(edited, service.kind)
            mark = Mark(
                key=record.key,
                action=record.action,
                before=record.before,
                after=record.release,
                image_before=image_of(spec),
                image_after=image_of(edited),
            )
            try:
                await self._engine.update_service(told["ID"], told["Version"]["Index"], marked(edited, mark))
            except SourceRejected as error:
                if _CONFLICT not in error.message or attempt == _TRIES - 1:
                    raise
                continue
            return told
        raise AssertionError("unreachable: the last try returns or raises")

    async def _given_up(self, told: Json) -> bool:
        """Whether tasks are wanted and none runs or is on its way: the same number of replicas makes no new ones."""
        tasks = task_views(await self._engine.tasks(told["ID"]), await self._engine.skew())
        return bool(replicas_of(told["Spec"])) and not any(task.wanted and task.state not in ENDED for task in tasks)

    async def _put_back(self, name: str, record: EngineAction) -> None:
        """The image does not come up: the one that ran before takes its place again."""
        told = known(await self._engine.service(name), "Swarm service", name)
        mark = mark_of(told["Spec"])
        if mark is None or mark.key != record.key or image_of(told["Spec"]) != record.image:
            return
        spec = marked(with_image(told["Spec"], mark.image_before), mark.model_copy(update={"failed": True}))
        await self._engine.update_service(told["ID"], told["Version"]["Index"], spec)
        await self._converged(name, self._clock.now())

    async def _restore_order(self, name: str) -> None:
        """Give the service its own way of updating back; its tasks are not touched by that."""
        told = await self._engine.service(name)
        spec = ungentle(told["Spec"]) if told else None
        if told is not None and spec is not None:
            await self._engine.update_service(told["ID"], told["Version"]["Index"], spec)

    async def _converged(self, name: str, since: datetime) -> tuple[bool, str]:
        deadline = self._clock.monotonic() + self._longest_seconds
        while True:
            told = known(await self._engine.service(name), "Swarm service", name)
            seen = await self._progress(told, since)
            if seen.done or seen.failed:
                return seen.done, seen.failed or seen.detail
            if self._clock.monotonic() >= deadline:
                return False, f"{seen.detail} after {self._longest_seconds:g} s"
            await self._clock.sleep(POLL_SECONDS)

    async def _progress(self, told: Json, since: datetime | None) -> Progress:
        tasks = task_views(await self._engine.tasks(told["ID"]), await self._engine.skew())
        return progress(told["Spec"], tasks, since, told.get("UpdateStatus") or {})


def _wanted_replicas(action: str, parameters: dict[str, str], spec: Json, count: int) -> int:
    """How many replicas there are to be.

    Raises:
        ActuatorError: that is no number of replicas.
    """
    if action == "stop":
        return 0
    if action == "start":
        return count or replicas_before_stop(spec)
    told = parameters.get("replicas", "")
    if not told.isdigit() or not 1 <= int(told) <= MOST_REPLICAS:
        raise ActuatorError(
            f"not a number of replicas: {told[:20]!r}", fix=f"give replicas from 1 to {MOST_REPLICAS}; stop makes it 0"
        )
    return int(told)


def _edited(spec: Json, record: EngineAction, given_up: bool) -> Json:
    if record.action == "rollback":
        return with_image(spec, record.image)
    if record.action == "restart":
        return forced(spec)
    edited = scaled(spec, int(record.release))
    return forced(edited) if given_up else edited
