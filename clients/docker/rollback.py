"""Rolling a container back: created anew from an earlier image with the same options.

Each step looks first and does what is missing, so that a rollback which was cut short, by a crash of Quell or of the
engine, is completed by running it again. The new container carries the action's key as a label from its creation on.
"""

from __future__ import annotations

from clients.docker.engine import Engine, Json
from clients.docker.images import RELEASE_LABEL, is_id, with_release
from clients.docker.journal import EngineAction, ImageSeen
from clients.docker.recreate import NewContainer, same_options
from clients.docker.settling import settled
from clients.docker.views import ContainerView
from clients.docker.watch import TEMPORARY, EngineWatch
from core.clock import Clock
from core.errors import ActuatorError, SourceRejected
from core.models import ActionOutcome, content_id

KEY_LABEL = "quell.action"


async def choose_image(
    engine: Engine, watch: EngineWatch, subject: str, view: ContainerView, release: str
) -> tuple[str, str]:
    """Reference (or id) and release to go back to.

    Args:
        release: empty for the one before.

    Raises:
        ActuatorError: it is not known, is the one that runs, or its image is gone.
    """
    seen = watch.with_release(subject, release) if release else watch.previous(subject, view.image, view.image_id)
    if seen is None and release and await engine.image(with_release(view.image, release) or release) is not None:
        seen = ImageSeen(subject=subject, at=watch.now(), image=with_release(view.image, release), release=release)
    if seen is None:
        wanted = f"release {release}" if release else "the release before"
        raise ActuatorError(
            f"{view.name}: {wanted} is not known", fix="give a release whose image the engine holds (docker images)"
        )
    if seen.image == view.image and (not seen.image_id or seen.image_id == view.image_id):
        raise ActuatorError(f"{view.name} runs {seen.release} already", fix="name another release")
    held = await engine.image(seen.image)
    if held is not None and seen.image_id in ("", held.get("Id")):
        return seen.image, seen.release
    if seen.image_id and await engine.image(seen.image_id) is not None:
        return seen.image_id, seen.release
    raise ActuatorError(f"the engine does not hold {seen.image} any more", fix=f"docker pull {seen.image}")


class Rollback:
    """One rollback of one container."""

    def __init__(self, engine: Engine, clock: Clock, name: str, action: EngineAction) -> None:
        self._engine = engine
        self._clock = clock
        self._name = name
        self._action = action
        mark = content_id("", action.key, length=8).strip("_")
        self._new_name = f"{name}{TEMPORARY}new-{mark}"
        self._old_name = f"{name}{TEMPORARY}old-{mark}"

    async def run(self) -> ActionOutcome:
        """Do what is still missing.

        Raises:
            ActuatorError: it is not possible; the container is as it was.
            SourceUnavailable: the engine did not answer; run it again to complete it.
            SourceRejected: the engine refused a step.
        """
        old = await self._old()
        fresh = await self._fresh()
        if old is not None:
            fresh = await self._create(old, fresh)
            await self._swap(old, fresh)
        elif fresh is None:
            raise ActuatorError(f"there is no container {self._name}", fix="create it again by hand")
        alive, ok, detail = await self._start(str(fresh["Id"]))
        if not alive and old is not None:
            return await self._restore(old, fresh, detail)
        if old is not None:
            await self._engine.remove(str(old["Id"]))
        return ActionOutcome(
            ok=ok,
            detail=f"container {self._name} on {self._action.release}: {detail}",
            before=self._action.before,
            after=self._action.release,
        )

    async def done(self) -> bool | None:
        """Whether it is complete; None half-way."""
        fresh = await self._fresh()
        if fresh is None:
            return False
        named = str(fresh.get("Name", "")).removeprefix("/") == self._name
        return True if named and (fresh.get("State") or {}).get("Running") else None

    async def _fresh(self) -> Json | None:
        for row in await self._engine.containers():
            if (row.get("Labels") or {}).get(KEY_LABEL) == self._action.key:
                return await self._engine.container(str(row["Id"]))
        return None

    async def _old(self) -> Json | None:
        """The container that is replaced, wherever its name is by now; None when it is removed already."""
        for name in (self._old_name, self._name):
            told = await self._engine.container(name)
            if told is not None and (told["Config"].get("Labels") or {}).get(KEY_LABEL) != self._action.key:
                return told
        return None

    async def _check(self, old: Json) -> None:
        if (old.get("HostConfig") or {}).get("AutoRemove"):
            raise ActuatorError(
                f"{self._name} removes itself when it is stopped, so that nothing could bring it back",
                fix="run it without --rm",
            )
        shared = f"container:{old['Id']}"
        for row in await self._engine.containers():
            if (row.get("HostConfig") or {}).get("NetworkMode") == shared:
                raise ActuatorError(
                    f"{row['Names'][0].removeprefix('/')} lives in the network of {self._name}, and would lose it",
                    fix="deploy the earlier release of both by hand",
                )

    async def _create(self, old: Json, fresh: Json | None) -> Json:
        if fresh is None:
            await self._check(old)
        new = await self._body(old)
        identity = str(fresh["Id"]) if fresh else await self._engine.create(self._new_name, new.body)
        told = fresh or await self._engine.container(identity) or {}
        joined = (told.get("NetworkSettings") or {}).get("Networks") or {}
        for network, endpoint in new.further.items():
            if network not in joined:
                await self._engine.join(network, identity, endpoint)
        return told

    async def _body(self, old: Json) -> NewContainer:
        image = await self._engine.image(str(old["Image"]))
        labels = {KEY_LABEL: self._action.key}
        if is_id(self._action.image):
            labels[RELEASE_LABEL] = self._action.release
        return same_options(old, (image or {}).get("Config") or {}, self._action.image, labels)

    async def _swap(self, old: Json, fresh: Json) -> None:
        """Stop the old one and give its name to the new one."""
        if (old.get("State") or {}).get("Running") or (old.get("State") or {}).get("Restarting"):
            await self._engine.stop(str(old["Id"]), int((old.get("Config") or {}).get("StopTimeout") or 10))
        if str(old.get("Name", "")).removeprefix("/") == self._name:
            await self._engine.rename(str(old["Id"]), self._old_name)
        if str(fresh.get("Name", "")).removeprefix("/") != self._name:
            await self._engine.rename(str(fresh["Id"]), self._name)

    async def _start(self, identity: str) -> tuple[bool, bool, str]:
        """Whether it lives, whether it is well, and why."""
        try:
            await self._engine.start(identity)
        except SourceRejected as error:
            return False, False, error.message
        ok, detail = await settled(self._engine, identity, self._clock)
        told = await self._engine.container(identity) or {}
        return (told.get("State") or {}).get("Status") in ("running", "restarting"), ok, detail

    async def _restore(self, old: Json, fresh: Json, why: str) -> ActionOutcome:
        """The earlier release does not stay up: put back what there was."""
        await self._engine.stop(str(fresh["Id"]), 1)
        await self._engine.remove(str(fresh["Id"]))
        await self._engine.rename(str(old["Id"]), self._name)
        await self._engine.start(str(old["Id"]))
        detail = f"release {self._action.release} does not stay up, {self._action.before} is back: {why}"
        return ActionOutcome(ok=False, detail=detail, before=self._action.before, after=self._action.before)
