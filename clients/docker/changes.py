"""From events, images and actions to changes: what somebody reading an incident wants to know."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from clients.docker.journal import EngineAction, EngineEvent, ImageSeen
from clients.exits import exit_detail
from core.models import Change, Window

_KINDS = {"start": "start", "pause": "pause", "unpause": "unpause", "scale": "scale", "update": "config"}
_PAD = timedelta(seconds=0.2)
"""Two clocks that count as one may differ by this within an action."""
QUELL = "quell"


def changes_of(
    service: str,
    window: Window,
    events: Sequence[EngineEvent],
    images: Sequence[ImageSeen],
    actions: Sequence[EngineAction],
) -> tuple[Change, ...]:
    """Changes of one subject in a window, oldest first; what an action of Quell brought about counts as that action."""
    actions = [action for action in actions if action.sent]
    found = [
        *(each for each in _lifecycle(service, events) if not _within(each.at, actions)),
        *(each for each in _deploys(service, images) if not _within(each.at, actions)),
        *(_own(service, action) for action in actions),
    ]
    return tuple(sorted((c for c in found if window.start <= c.at < window.end), key=lambda change: change.at))


def stopped_by_hand(events: Sequence[EngineEvent], container_id: str) -> bool:
    """Whether the last thing that happened to a container was a stop that somebody asked for."""
    known = [e.action for e in events if e.container_id == container_id and e.action in ("start", "die", "stop")]
    return bool(known) and known[-1] == "stop"


def _lifecycle(service: str, events: Sequence[EngineEvent]) -> list[Change]:
    """A restart is told by the engine as die, stop, start, restart, and a stop as die, stop: each counts once."""
    found: list[Change] = []
    out_of_memory = False
    for event in events:
        if event.action == "oom":
            out_of_memory = True
        elif event.action == "die":
            how = exit_detail(event.exit_code or 0)
            detail = f"out of memory, {how}" if out_of_memory else how
            out_of_memory = False
            found.append(Change(service=service, kind="exit", at=event.at, actor="itself", detail=detail))
        elif event.action == "stop":
            _drop_last(found, "exit")
            found.append(Change(service=service, kind="stop", at=event.at))
        elif event.action == "restart":
            for kind in ("start", "stop", "exit"):
                _drop_last(found, kind)
            found.append(Change(service=service, kind="restart", at=event.at))
        elif event.action in _KINDS:
            kind = _KINDS[event.action]
            found.append(Change(service=service, kind=kind, at=event.at, before=event.before, after=event.after))
    return found


def _drop_last(found: list[Change], kind: str) -> None:
    if found and found[-1].kind == kind:
        found.pop()


def _deploys(service: str, images: Sequence[ImageSeen]) -> Iterator[Change]:
    for before, after in itertools.pairwise(images):
        if (before.image, before.image_id or after.image_id) != (after.image, after.image_id or before.image_id):
            kind = "deploy"
        elif before.container_id != after.container_id:
            kind = "config"
        else:
            continue
        detail = "" if kind == "deploy" else "created anew from the same image"
        yield Change(
            service=service,
            kind=kind,
            at=after.at,
            actor=after.actor,
            before=before.release,
            after=after.release,
            detail=detail,
        )


def _own(service: str, action: EngineAction) -> Change:
    outcome = action.outcome
    return Change(
        service=service,
        kind=action.action,
        at=action.begun_at,
        actor=QUELL,
        before=action.before,
        after=outcome.after if outcome else "",
        detail="" if outcome is None or outcome.ok else outcome.detail,
    )


def _within(at: datetime, actions: Sequence[EngineAction]) -> bool:
    return any(
        action.begun_at - _PAD <= at and (action.ended_at is None or at <= action.ended_at + _PAD) for action in actions
    )
