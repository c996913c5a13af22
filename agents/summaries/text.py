"""Sentences with what they rest on, in sections, and as markdown: one line a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import Field

from analysis.tokens import cut
from core.models import Model, Rung
from core.redaction import redact_text

OPINION = "(opinion)"
"""Stands at the end of a sentence that nothing on record bears out."""

MAX_CITES = 6

_MARKUP = str.maketrans({mark: f"\\{mark}" for mark in "\\`*[]<>#|"})


class TextKind(StrEnum):
    """What the text is for."""

    SUMMARY = "summary"
    HANDOVER = "handover"
    POSTMORTEM = "postmortem"


class Said(Model):
    """One sentence."""

    text: str = Field(description="markdown on one line, without its citations")
    cites: tuple[str, ...] = Field(description="ids of evidence and of entries of the record; empty: an opinion")

    @property
    def opinion(self) -> bool:
        """Whether nothing bears it out."""
        return not self.cites

    @property
    def markdown(self) -> str:
        """The sentence with its citations, or marked as an opinion."""
        return f"{self.text} {OPINION}" if self.opinion else f"{self.text} [{', '.join(self.cites)}]"


class Section(Model):
    """A part of a text."""

    heading: str
    sentences: tuple[Said, ...]


class IncidentText(Model):
    """An incident told to people."""

    incident_id: str
    kind: TextKind
    title: str
    sections: tuple[Section, ...]
    markdown: str
    rung: Rung = Field(default=Rung.RULES, description="who wrote it; rules: no model took part")
    model: str = ""
    prompt_hash: str = ""
    cost_usd: float = 0.0
    notes: tuple[str, ...] = Field(default=(), description="what was done aloud, such as why no model wrote it")


def said(text: str, cites: Iterable[str]) -> Said:
    """A sentence with what it rests on, of very much the first and the last; an opinion without citations."""
    every = tuple(dict.fromkeys(one for one in cites if one))
    return Said(text=text, cites=every if len(every) <= MAX_CITES else (*every[: MAX_CITES - 1], every[-1]))


def quoted(text: str) -> str:
    """A stranger's text as part of a line: no secret, no line break, no markup, and bounded."""
    shown = " ".join("".join(char if char.isprintable() else " " for char in redact_text(text)).split())
    return cut(shown).translate(_MARKUP)


def markdown(title: str, sections: Iterable[Section]) -> str:
    """The document; sections without sentences are left out."""
    lines = [f"# {title}"]
    for section in sections:
        if section.sentences:
            lines += ["", f"## {section.heading}", "", *(f"- {each.markdown}" for each in section.sentences)]
    return "\n".join(lines) + "\n"
