"""The texts with a model's words: it writes the parts that tell a story, from the sentences of the plain version.

What it writes is split into sentences and each is held against what it cites: citations that do not exist are dropped,
numbers that the cited entries do not show are marked, and a sentence without a citation is marked as an opinion. Parts
that list facts, such as the timeline, stay as they are. Where no model answers validly, the plain text stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import Field

from agents.data_policy import DataPolicy
from agents.grounding import ground, split
from agents.rungs.plain import Question, put
from agents.rungs.showing import Showing
from agents.summaries.plain import plain_text
from agents.summaries.record import IncidentRecord, citable
from agents.summaries.text import IncidentText, Said, Section, TextKind, markdown, quoted, said
from core.errors import InvalidInput
from core.llm import ModelTask, Purpose
from core.models import Evidence, Model, Rung
from core.ports import ChatModel

AGENT = "summaries"
MAX_FACTS_TOKENS = 3_500
MAX_OUTPUT_TOKENS = 900
MAX_SENTENCES = 40

NARRATED: Mapping[TextKind, tuple[str, ...]] = {
    TextKind.SUMMARY: ("What happened", "Cause", "Outcome"),
    TextKind.HANDOVER: ("What is known", "Next"),
    TextKind.POSTMORTEM: ("Impact", "Root cause", "Lessons"),
}
"""Headings that a model writes below; all others stay plain."""

_IDS = re.compile(r"\s*[\[(](?:[a-z]{2,5}_[0-9a-z_]+[,;\s]*)+[\])]")
"""Citations within a sentence: they stand at its end anyway."""

_ESCAPED = re.compile(r"\\([\\`*\[\]<>#|])")


class DraftSentence(Model):
    """One sentence of a model, with what it rests on."""

    text: str = Field(min_length=1, max_length=1000)
    cites: tuple[str, ...]


class DraftSection(Model):
    """What a model writes below a heading."""

    heading: str
    sentences: tuple[DraftSentence, ...] = Field(min_length=1, max_length=MAX_SENTENCES)


class Draft(Model):
    """A model's answer."""

    sections: tuple[DraftSection, ...]


async def incident_text(
    kind: TextKind, record: IncidentRecord, models: Mapping[Rung, ChatModel], policy: DataPolicy, user: str = ""
) -> IncidentText:
    """The text of that kind; without models, or where none answers validly, the plain one, saying so in its notes.

    Args:
        user: who wants it: its cost is booked on them, too.
    """
    base = plain_text(kind, record)
    if not models:
        return base
    evidence = citable(record)
    question = Question(
        task=ModelTask.SUMMARY,
        prompt=kind.value,
        variables=lambda showing: _variables(base, showing),
        response=Draft,
        read=lambda draft: _read(draft, NARRATED[kind], evidence),
        services=_services(record),
        purpose=Purpose(agent=AGENT, incident_id=record.incident.id, service=record.incident.service, user=user),
        max_output_tokens=MAX_OUTPUT_TOKENS,
        choices={"heading": NARRATED[kind]},
    )
    reply = await put(question, models, policy)
    if reply.value is None:
        notes = ("no model wrote this: it says what is on record", *reply.notes)
        return base.model_copy(update={"notes": notes, "cost_usd": reply.cost_usd})
    sections = _joined(kind, base.sections, reply.value)
    return base.model_copy(
        update={
            "sections": sections,
            "markdown": markdown(base.title, sections),
            "rung": reply.rung,
            "model": reply.model,
            "prompt_hash": reply.prompt_hash,
            "cost_usd": reply.cost_usd,
            "notes": reply.notes,
        }
    )


def _variables(base: IncidentText, showing: Showing) -> dict[str, str]:
    rows = [
        f"{section.heading}: {showing.line(_unescaped(each.text), 400)} [{', '.join(each.cites) or 'opinion'}]"
        for section in base.sections
        for each in section.sentences
    ]
    return {
        "headings": ", ".join(f"`{heading}`" for heading in NARRATED[base.kind]),
        "facts": showing.block(rows, MAX_FACTS_TOKENS, "facts"),
    }


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _services(record: IncidentRecord) -> frozenset[str]:
    """All that the facts may tell about."""
    diagnosis = record.diagnosis
    named = {record.incident.service, *(one.subject for one in record.evidence if one.subject)}
    if diagnosis is not None:
        named |= {one.service for one in diagnosis.hypotheses} | {one.service for one in diagnosis.ruled_out}
    named |= {one.service for one in record.findings} | {one.service for one in record.alerts if one.service}
    named |= {one.proposal.service for one in record.attempts} | {one.proposal.service for one in record.approvals}
    return frozenset(named)


def _read(draft: Draft, headings: tuple[str, ...], evidence: Mapping[str, Evidence]) -> tuple[Section, ...]:
    """The sections in the order of the headings.

    Raises:
        InvalidInput: a heading is missing or twice, or nothing that is cited exists.
    """
    if sorted(each.heading for each in draft.sections) != sorted(headings):
        raise InvalidInput("each heading stands once", path="sections")
    found = {each.heading: _section(each, evidence) for each in draft.sections}
    if not any(each.cites for section in found.values() for each in section.sentences):
        raise InvalidInput("no sentence cites an id that is shown", path="sections")
    return tuple(found[heading] for heading in headings)


def _section(drafted: DraftSection, evidence: Mapping[str, Evidence]) -> Section:
    told: list[Said] = []
    for one in drafted.sentences:
        for sentence in split(one.text):
            held = ground([sentence], evidence, cites=one.cites).sentences
            told += [said(quoted(_IDS.sub("", each.text)), each.cites) for each in held if each.text]
    return Section(heading=drafted.heading, sentences=tuple(dict.fromkeys(told)))


def _joined(kind: TextKind, base: tuple[Section, ...], written: tuple[Section, ...]) -> tuple[Section, ...]:
    """The plain sections with those that were written in their place; one that was not there stands at the end."""
    by_heading = {section.heading: section for section in written}
    kept = tuple(by_heading.pop(section.heading, section) for section in base)
    return (*kept, *by_heading.values())
