"""What each action does to the replicas of a process; those that are well are kept as long as that can be."""

from __future__ import annotations

from collections.abc import Callable

from app.supervisor.group import Group
from app.supervisor.journal import Standing
from app.supervisor.releases import SWITCHES, wanted_replicas
from clients.processes.wire import ActionRequest
from core.models import ActionOutcome

NOT_RUNNING = "not running"


class Actions:
    """Carries out one action at a time on a group.

    Args:
        keep: puts what is to run on record, before it is changed.
        note: puts a change on record: its kind, its actor, before and after.
    """

    def __init__(self, keep: Callable[[Standing], None], note: Callable[[Group, str, str, str, str], None]) -> None:
        self._keep = keep
        self._note = note

    async def carry_out(self, group: Group, request: ActionRequest, target: str) -> ActionOutcome:
        """Do it, and wait until the outcome is known.

        Args:
            target: release that runs when it is done.

        Raises:
            StoreUnavailable: it cannot be put on record; what was done so far stays.
        """
        if request.action in SWITCHES:
            before = group.standing.release
            self._note(group, request.action, request.actor, before, target)
            self._stand(group, release=target, previous=before)
            return await self._restart(group, before=before, after=target)
        if request.action == "scale":
            return await self._scale(group, request)
        if request.action == "stop":
            was = "alive" if group.pids else NOT_RUNNING
            self._note(group, "stop", request.actor, "", "")
            await group.stop()
            return ActionOutcome(ok=True, detail=f"stopped; it was {was}", before=was, after="stopped")
        if request.action == "start" and group.alive:
            return _left_alone(group)
        was = group.pids or NOT_RUNNING
        self._note(group, request.action, request.actor, was, "")
        return await self._restart(group, before=was, only_dead=request.action == "start")

    async def _restart(self, group: Group, *, before: str, after: str = "", only_dead: bool = False) -> ActionOutcome:
        """Start replicas anew, ill ones first: what does not come up ends it, so that the well ones go on."""
        numbers = [n for n in await group.ill_first() if not (only_dead and group.children[n].alive)]
        ok, detail = await group.start_each(numbers)
        never = any(group.children[number].start_error for number in numbers)
        return ActionOutcome(ok=ok, detail=detail, before=before, after="" if never else after or group.pids)

    async def _scale(self, group: Group, request: ActionRequest) -> ActionOutcome:
        """To that many replicas: new ones must be well, or they are taken away again; ill ones go first."""
        numbers, wanted = tuple(group.children), wanted_replicas(request, group.spec)
        before, after = str(len(numbers)), str(wanted)
        self._note(group, "scale", request.actor, before, after)
        if wanted <= len(numbers):
            gone = (await group.ill_first())[: len(numbers) - wanted]
            self._stand(group, replicas=tuple(number for number in numbers if number not in gone))
            await group.stop(gone)
            group.keep(group.standing.replicas)
            names = ", ".join(map(str, sorted(gone)))
            detail = f"ended replica {names}" if gone else "as many run already"
            return ActionOutcome(ok=True, detail=detail, before=before, after=after)
        free = [number for number in range(1, group.spec.max_replicas + 1) if number not in numbers]
        fresh = free[: wanted - len(numbers)]
        self._stand(group, replicas=tuple(sorted((*numbers, *fresh))))
        group.keep(group.standing.replicas)
        ok, detail = await group.start_each(fresh)
        if not ok:
            await group.stop(fresh)
            self._stand(group, replicas=numbers)
            group.keep(numbers)
            detail = f"{detail}; {before} replicas as before"
        return ActionOutcome(ok=ok, detail=detail, before=before, after=after if ok else before)

    def _stand(self, group: Group, **changes: object) -> None:
        group.standing = group.standing.model_copy(update=changes)
        self._keep(group.standing)


def _left_alone(group: Group) -> ActionOutcome:
    looks = [child.look()[0] for child in group.children.values()]
    if any(stat is not None and stat.suspended for stat in looks):
        return ActionOutcome(ok=False, detail="alive but suspended: restart it instead")
    return ActionOutcome(ok=True, detail="already running")
