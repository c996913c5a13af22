"""What Quell remembers of an engine across restarts of either: images by name, events, and its own actions by key.

The engine itself keeps 256 events and no word on what a container replaced, so neither the release before a deploy nor
what was done under a key could be told from it. One file serves containers and Swarm services: a `subject` is
``container/<name>`` or ``service/<name>``. Times are those of Quell's clock; only `EngineEvent.nanoseconds` is the
engine's, since it tells from where to read on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from clients.jsonlines import JsonLines
from core.models import ActionOutcome, Model, Utc

KEPT_ENTRIES = 5000
"""Of each kind."""


class ImageSeen(Model):
    """A subject ran this image from then on."""

    subject: str
    at: Utc
    image: str = Field(description="reference, as it was asked for")
    image_id: str = ""
    release: str
    container_id: str = Field(default="", description="empty for a Swarm service")
    actor: str = ""


class EngineEvent(Model):
    """One event of the engine."""

    subject: str
    at: Utc
    nanoseconds: int
    action: str
    container_id: str = ""
    exit_code: int | None = None
    before: str = ""
    after: str = ""


class EngineAction(Model):
    """One action of Quell; without outcome it is under way, or was cut short."""

    key: str
    action: str
    subject: str
    parameters: dict[str, str] = {}
    begun_at: Utc
    ended_at: Utc | None = None
    before: str = ""
    image: str = Field(default="", description="reference or id that a rollback goes to")
    release: str = Field(default="", description="release that a rollback goes to")
    sent: bool = Field(default=True, description="false: left to the engine, which was at it already")
    outcome: ActionOutcome | None = None


class Entry(Model):
    """One line; exactly one field is set."""

    image: ImageSeen | None = None
    event: EngineEvent | None = None
    action: EngineAction | None = None


class EngineJournal:
    """The journal in memory, in step with its file.

    Raises:
        StoreUnavailable: the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._file = JsonLines(path, Entry, "the journal of the Docker Engine")
        self._images: list[ImageSeen] = []
        self._events: list[EngineEvent] = []
        self._actions: dict[str, EngineAction] = {}
        for entry in self._file.read():
            self._apply(entry)
        self._file.rewrite(self._entries())

    def add(self, *items: ImageSeen | EngineEvent | EngineAction) -> None:
        """Remember; returns when it is on disk.

        Raises:
            StoreUnavailable: the file cannot be written; nothing is remembered.
        """
        entries = [_entry(item) for item in items]
        self._file.append(entries)
        for entry in entries:
            self._apply(entry)

    def action(self, key: str) -> EngineAction | None:
        """What is known of an action."""
        return self._actions.get(key)

    def actions(self, subject: str) -> list[EngineAction]:
        """Quell's actions on a subject, oldest first."""
        return sorted((a for a in self._actions.values() if a.subject == subject), key=lambda a: a.begun_at)

    def events(self, subject: str) -> list[EngineEvent]:
        """Events of a subject, oldest first."""
        return sorted((e for e in self._events if e.subject == subject), key=lambda e: e.nanoseconds)

    def images(self, subject: str) -> list[ImageSeen]:
        """Images that a subject ran, oldest first."""
        return sorted((i for i in self._images if i.subject == subject), key=lambda i: i.at)

    @property
    def newest_event(self) -> int:
        """Nanoseconds since the epoch of the newest event; 0 when there is none."""
        return max((event.nanoseconds for event in self._events), default=0)

    def _apply(self, entry: Entry) -> None:
        if entry.image is not None:
            self._see(entry.image)
        elif entry.event is not None:
            self._events.append(entry.event)
            del self._events[:-KEPT_ENTRIES]
        elif entry.action is not None:
            self._actions[entry.action.key] = entry.action
            for key in list(self._actions)[:-KEPT_ENTRIES]:
                del self._actions[key]

    def _see(self, image: ImageSeen) -> None:
        """A container is told of by its event, which lacks the image id, and by the list: the two are one."""
        for i, known in enumerate(self._images):
            if _same(known, image):
                self._images[i] = known.model_copy(update={"image_id": known.image_id or image.image_id})
                return
        self._images.append(image)
        del self._images[:-KEPT_ENTRIES]

    def _entries(self) -> Sequence[Entry]:
        items: list[ImageSeen | EngineEvent | EngineAction] = [*self._images, *self._events, *self._actions.values()]
        return [_entry(item) for item in items]


def _same(known: ImageSeen, image: ImageSeen) -> bool:
    if known.subject != image.subject:
        return False
    if image.container_id:
        return known.container_id == image.container_id
    return (known.at, known.image) == (image.at, image.image)


def _entry(item: ImageSeen | EngineEvent | EngineAction) -> Entry:
    if isinstance(item, ImageSeen):
        return Entry(image=item)
    return Entry(event=item) if isinstance(item, EngineEvent) else Entry(action=item)
