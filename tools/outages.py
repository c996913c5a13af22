"""Sources that did not answer, on the timeline of the incident that asked: when that began, and when it was over.

The timeline itself is the memory, so that an outage which began before a crash of Quell still gets its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.models import Evidence, TimelineEntry
from stores.store import Store, Tx
from tools.inventory import Inventory
from tools.runner import Looked
from tools.sources import Sources

KIND = "outage"
_ACTUATORS = "actuators"


@dataclass(frozen=True, slots=True)
class Answer:
    """How a source reacted to a question.

    Attributes:
        error: what stood in the way; empty when it answered.
    """

    source: str
    error: str = ""


def answers_of(looked: Iterable[Looked], sources: Sources, inventory: Inventory) -> list[Answer]:
    """What evidence says about the sources behind it; an actuator goes by its own name."""
    return [Answer(_source(evidence, sources, inventory), evidence.error) for evidence, _ in looked]


def _source(evidence: Evidence, sources: Sources, inventory: Inventory) -> str:
    service = inventory.get(evidence.subject) if evidence.source == _ACTUATORS else None
    actuator = sources.actuator_for(service) if service else None
    return actuator.name if actuator else evidence.source


def news(told: Sequence[TimelineEntry], answers: Sequence[Answer], at: datetime) -> list[tuple[TimelineEntry, str]]:
    """Entries, each with its key, that are missing on a timeline.

    A source that did not answer is told once for each thing it says; the first time that all its answers are good again
    ends the outage.

    Args:
        told: the timeline, oldest first.
        at: when the answers came.
    """
    found = []
    for source in dict.fromkeys(answer.source for answer in answers):
        errors = dict.fromkeys(each.error for each in answers if each.source == source and each.error)
        ends, current = _standing(told, source)
        said = {entry.text for entry in current}
        for text in (f"{source}: {error}" for error in errors):
            if text not in said:
                entry = TimelineEntry(at=at, kind=KIND, text=text, data={"source": source})
                found.append((entry, f"outage:{ends}:{text}"))
        if current and not errors:
            seconds = f"{(at - current[0].at).total_seconds():.1f}"
            data = {"source": source, "seconds": seconds}
            entry = TimelineEntry(at=at, kind=KIND, text=f"{source} answers again after {seconds} s", data=data)
            found.append((entry, f"outage:{ends}:{source}:end"))
    return found


def _standing(told: Sequence[TimelineEntry], source: str) -> tuple[int, list[TimelineEntry]]:
    """How many outages of a source have ended, and what was told of the one that lasts."""
    about = [entry for entry in told if entry.kind == KIND and entry.data.get("source") == source]
    ended = [index for index, entry in enumerate(about) if "seconds" in entry.data]
    return len(ended), about[ended[-1] + 1 :] if ended else about


def lasting(told: Iterable[TimelineEntry]) -> list[str]:
    """Sources whose outage has begun on a timeline, and has no end there."""
    open_since: dict[str, bool] = {}
    for entry in told:
        if entry.kind == KIND and (source := entry.data.get("source")):
            open_since[source] = "seconds" not in entry.data
    return [source for source, still in open_since.items() if still]


async def tell_outages(tx: Tx, incident_id: str, answers: Sequence[Answer], at: datetime) -> None:
    """Write down what the timeline of an incident lacks."""
    for entry, key in news(await tx.timeline.of_incident(incident_id), answers, at):
        await tx.timeline.add(incident_id, entry, key=key)


async def tell_changes(store: Store, incident_id: str, answers: Sequence[Answer], at: datetime) -> None:
    """As `tell_outages`, for who asks again and again: nothing is written when there is nothing new."""
    async with store.read() as tx:
        told = await tx.timeline.of_incident(incident_id)
    if news(told, answers, at):
        async with store.write() as tx:
            await tell_outages(tx, incident_id, answers, at)
