"""Keeps the journal in step with an engine: by looking every few seconds, and before each answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import structlog

from clients.docker.changes import changes_of, stopped_by_hand
from clients.docker.engine import Engine, Json
from clients.docker.images import release_of
from clients.docker.journal import EngineAction, EngineEvent, EngineJournal, ImageSeen
from clients.docker.times import as_parameter, from_nanoseconds, parse_nanoseconds, parse_time
from clients.docker.views import signal_or_code
from core.clock import Clock
from core.errors import SourceError, SourceUnavailable, StoreUnavailable
from core.models import Change, Window

log = structlog.get_logger(__name__)

TEMPORARY = ".quell-"
"""Part of the names that a rollback gives for a moment; nothing under such a name is a service."""
SWARM_SERVICE_LABEL = "com.docker.swarm.service.name"
_KEPT = ("start", "die", "stop", "restart", "oom", "pause", "unpause")
_FILTERS = {"type": ["container", "service"], "event": [*_KEPT, "create", "rename", "update"]}


def container_subject(name: str) -> str:
    """Under what the journal keeps a container."""
    return f"container/{name}"


def service_subject(name: str) -> str:
    """Under what the journal keeps a Swarm service."""
    return f"service/{name}"


class EngineWatch:
    """What happened on an engine, as far back as the journal reaches."""

    def __init__(self, engine: Engine, journal: EngineJournal, clock: Clock, interval_seconds: float = 5.0) -> None:
        self._engine = engine
        self.journal = journal
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._looking = asyncio.Lock()
        self._looks = 0
        self._read_until = journal.newest_event

    def now(self) -> datetime:
        """Quell's wall time."""
        return self._clock.now()

    async def run(self) -> None:
        """Look again and again; an engine that is away is looked for until it is back."""
        away = False
        while True:
            try:
                await self.catch_up()
                away = False
            except SourceError as error:
                if not away:
                    log.warning("engine_not_watched", error=error.message, fix=error.fix)
                away = True
            await self._clock.sleep(self._interval_seconds)

    async def catch_up(self) -> None:
        """Read what happened since the last look. Calls that wait for the same look share it.

        Raises:
            SourceUnavailable, SourceRejected: the engine did not answer, or the journal cannot be written.
        """
        looks = self._looks
        async with self._looking:
            if self._looks > looks + 1:  # a look that began after this call was made has ended
                return
            info = await self._engine.info()
            skew = await self._engine.skew()
            now = parse_nanoseconds(info.get("SystemTime")) or 0
            told = await self._engine.events(as_parameter(self._read_until), as_parameter(now), _FILTERS)
            fresh = [event for event in told if int(event.get("timeNano") or 0) > self._read_until]
            items = [item for event in fresh for item in _items(event, skew)]
            items += [image for image in await self._present(skew) if self._says_more(image)]
            if (info.get("Swarm") or {}).get("ControlAvailable"):
                items += await self._services(skew, items)
            self._keep(*items)
            self._read_until = max((int(event["timeNano"]) for event in fresh), default=self._read_until)
            self._looks += 1

    def changes(self, subject: str, service: str, window: Window) -> Sequence[Change]:
        """What changed on a subject, under a service's name; as of the last look."""
        journal = self.journal
        return changes_of(service, window, journal.events(subject), journal.images(subject), journal.actions(subject))

    def stopped_by_hand(self, subject: str, container_id: str) -> bool:
        """Whether somebody stopped that container, rather than it ended by itself; as of the last look."""
        return stopped_by_hand(self.journal.events(subject), container_id)

    def previous(self, subject: str, image: str, image_id: str) -> ImageSeen | None:
        """What a subject ran before the image that it runs now; None when that was never seen."""
        for seen in reversed(self.journal.images(subject)):
            if seen.image != image or (seen.image_id and image_id and seen.image_id != image_id):
                return seen
        return None

    def with_release(self, subject: str, release: str) -> ImageSeen | None:
        """The newest image of that release which a subject ran; None when there is none."""
        found = [seen for seen in self.journal.images(subject) if seen.release == release]
        return found[-1] if found else None

    def record(self, action: EngineAction) -> EngineAction:
        """Put an action on record, before it is begun and after it has ended.

        Raises:
            SourceUnavailable: the journal cannot be written.
        """
        self._keep(action)
        return action

    def _keep(self, *items: ImageSeen | EngineEvent | EngineAction) -> None:
        try:
            self.journal.add(*items)
        except StoreUnavailable as error:
            raise SourceUnavailable(error.message, fix=error.fix) from error

    async def _present(self, skew: timedelta) -> list[ImageSeen]:
        found = []
        for row in await self._engine.containers():
            labels = row.get("Labels") or {}
            name = str((row.get("Names") or [""])[0]).removeprefix("/")
            if not name or TEMPORARY in name or SWARM_SERVICE_LABEL in labels:
                continue
            reference, image_id = str(row.get("Image", "")), str(row.get("ImageID", ""))
            found.append(
                ImageSeen(
                    subject=container_subject(name),
                    at=from_nanoseconds(int(row.get("Created") or 0) * 1_000_000_000) - skew,
                    image=reference,
                    image_id=image_id,
                    release=release_of(reference, image_id, labels),
                    container_id=str(row["Id"]),
                )
            )
        return found

    def _says_more(self, image: ImageSeen) -> bool:
        known = (each for each in self.journal.images(image.subject) if each.container_id == image.container_id)
        return not any(each.image_id for each in known)

    async def _services(self, skew: timedelta, items: Sequence[ImageSeen | EngineEvent]) -> list[ImageSeen]:
        """Images of services that no event told of: what runs now, and for a newcomer what ran before."""
        found: list[ImageSeen] = []
        for row in await self._engine.services():
            subject = service_subject(str(row["Spec"]["Name"]))
            seen = [*self.journal.images(subject), *(i for i in items if isinstance(i, ImageSeen))]
            mine = [each.image for each in seen if each.subject == subject]
            now = service_image(row.get("Spec"))
            before = service_image(row.get("PreviousSpec"))
            created, updated = parse_time(row.get("CreatedAt")), parse_time(row.get("UpdatedAt"))
            if not now or created is None or updated is None or (mine and mine[-1] == now):
                continue
            if not mine and before and before != now:
                found.append(_service_image(subject, before, created - skew))
            first = not mine and not found
            found.append(_service_image(subject, now, (created if first else updated) - skew))
        return found


def service_image(spec: Json | None) -> str:
    """Image reference of a service's specification; empty when it has none."""
    template = (spec or {}).get("TaskTemplate") or {}
    return str((template.get("ContainerSpec") or {}).get("Image") or "")


def _service_image(subject: str, reference: str, at: datetime) -> ImageSeen:
    return ImageSeen(subject=subject, at=at, image=reference, release=release_of(reference, "", {}))


def _items(event: Json, skew: timedelta) -> Iterator[ImageSeen | EngineEvent]:
    actor = event.get("Actor") or {}
    about = actor.get("Attributes") or {}
    nanoseconds, action = int(event.get("timeNano") or 0), str(event.get("Action", ""))
    at, name, identity = from_nanoseconds(nanoseconds) - skew, str(about.get("name", "")), str(actor.get("ID", ""))
    if not name or TEMPORARY in name:
        return
    if event.get("Type") == "service":
        yield from _service_items(service_subject(name), about, at, nanoseconds, action)
    elif SWARM_SERVICE_LABEL not in about:
        subject = container_subject(name)
        if action in ("create", "rename"):
            reference = str(about.get("image", ""))
            release = release_of(reference, "", about)
            yield ImageSeen(subject=subject, at=at, image=reference, release=release, container_id=identity)
        elif action in _KEPT:
            code = signal_or_code(int(about.get("exitCode") or 0)) if action == "die" else None
            yield EngineEvent(
                subject=subject, at=at, nanoseconds=nanoseconds, action=action, container_id=identity, exit_code=code
            )


def _service_items(
    subject: str, about: Json, at: datetime, nanoseconds: int, action: str
) -> Iterator[ImageSeen | EngineEvent]:
    if action == "update" and "image.new" in about:
        yield _service_image(subject, str(about.get("image.old", "")), at - timedelta(microseconds=1))
        yield _service_image(subject, str(about["image.new"]), at)
    if action == "update" and "replicas.new" in about:
        before, after = str(about.get("replicas.old", "")), str(about["replicas.new"])
        yield EngineEvent(subject=subject, at=at, nanoseconds=nanoseconds, action="scale", before=before, after=after)
