"""What a text claims, held against the evidence that it cites.

A citation of evidence that is not there is dropped. A number that none of the cited evidence shows is marked; how
numbers are compared says `agents.figures`. A sentence without any citation that holds is an opinion. Nothing is judged
true by this: it only bounds what may be said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from agents.figures import DATES, NUMBERS, PAIRS, TIMES, Shown
from core.models import Evidence

MARK = "[not in the cited evidence]"
"""Stands behind a number that the cited evidence does not show."""

_CITATION = re.compile(r"\bev_[0-9A-Za-z]+\b")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[^\s])|\n+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence as it may be shown.

    Attributes:
        text: without citations that do not exist, and with a mark behind each number that nothing bears out.
        cites: evidence that it cites and that is there, in order.
        dropped: ids that it cites and that are not there.
        unproven: numbers and times that the cited evidence does not show, as they were written.
    """

    text: str
    cites: tuple[str, ...]
    dropped: tuple[str, ...]
    unproven: tuple[str, ...]

    @property
    def opinion(self) -> bool:
        """Whether no evidence bears it out."""
        return not self.cites


@dataclass(frozen=True, slots=True)
class Grounded:
    """A text after it was held against the evidence."""

    sentences: tuple[Sentence, ...]

    @property
    def text(self) -> str:
        """The whole, one space between two sentences."""
        return " ".join(each.text for each in self.sentences if each.text)

    @property
    def cites(self) -> tuple[str, ...]:
        """Evidence that holds, each once, in order."""
        return tuple(dict.fromkeys(one for each in self.sentences for one in each.cites))

    @property
    def dropped(self) -> tuple[str, ...]:
        """Ids that were cited and do not exist, each once, in order."""
        return tuple(dict.fromkeys(one for each in self.sentences for one in each.dropped))

    @property
    def unproven(self) -> tuple[str, ...]:
        """Numbers that were marked."""
        return tuple(one for each in self.sentences for one in each.unproven)

    @property
    def groundless(self) -> bool:
        """Whether the ground of the conclusion is gone: nothing that it cites exists."""
        return not self.cites


def ground(
    text: str | Iterable[str],
    evidence: Mapping[str, Evidence],
    *,
    cites: Iterable[str] = (),
    also: Iterable[str] = (),
) -> Grounded:
    """Hold a text, or claims that are sentences already, against evidence.

    Args:
        evidence: all that may be cited, by id.
        cites: what the text cites as a whole, besides the ids within a sentence; it backs sentences that cite nothing.
        also: our own words on the evidence, such as thresholds: their numbers count as shown.
    """
    claims = split(text) if isinstance(text, str) else [claim for claim in text if claim.strip()]
    whole, missing = existing(cites, evidence)
    ours = tuple(also)
    found = []
    for index, claim in enumerate(claims):
        own, dropped = existing(_CITATION.findall(claim), evidence)
        kept = own or whole
        shown = Shown((evidence[one] for one in kept), ours)
        written, unproven = _marked(_without(claim, dropped), shown)
        found.append(Sentence(written, kept, (*(missing if index == 0 else ()), *dropped), unproven))
    if not found and (whole or missing):
        found.append(Sentence("", whole, missing, ()))
    return Grounded(tuple(found))


def existing(ids: Iterable[str], evidence: Mapping[str, Evidence]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ids that are there, and those that are not, each once and in order."""
    every = tuple(dict.fromkeys(ids))
    return tuple(one for one in every if one in evidence), tuple(one for one in every if one not in evidence)


def bears_on(evidence: Evidence, service: str) -> bool:
    """Whether evidence tells anything of a service: it was asked about it, or shows a row of it."""
    if evidence.error:
        return False
    digest = evidence.digest
    subjects = {evidence.subject}
    for rows in (digest.series, digest.templates, digest.facts):
        subjects.update(row.subject for row in rows)
    return bool(service) and service in subjects


def split(text: str) -> list[str]:
    """Sentences of a text: they end at a full stop before a blank, or with a line."""
    return [one.strip() for one in _SENTENCE.split(text) if one.strip()]


def _marked(text: str, shown: Shown) -> tuple[str, tuple[str, ...]]:
    """The text with a mark behind what is not shown, and what that was."""
    ends: list[tuple[int, str]] = []
    times = [found.span() for found in (*TIMES.finditer(text), *DATES.finditer(text), *_CITATION.finditer(text))]
    for found in TIMES.finditer(text):
        hour, minute, second = found.groups()
        if not shown.has_time(int(hour), int(minute), int(second) if second else None):
            ends.append((found.end(), found[0]))
    pairs = [pair for pair in PAIRS.finditer(text) if _free(pair, times)]
    ends += [(pair.end(), pair[0].strip()) for pair in pairs if not shown.has_pair(pair)]
    ends += [
        (found.end(), found[0].strip())
        for found in _numbers(text, [*times, *(pair.span() for pair in pairs)])
        if not shown.has(found["digits"], found["unit"] or "")
    ]
    for end, _ in sorted(ends, reverse=True):
        text = f"{text[:end]} {MARK}{text[end:]}"
    return text, tuple(written for _, written in sorted(ends))


def _numbers(text: str, taken: list[tuple[int, int]]) -> Iterator[re.Match[str]]:
    """Numbers outside the spans that are taken."""
    yield from (found for found in NUMBERS.finditer(text) if _free(found, taken))


def _free(found: re.Match[str], taken: list[tuple[int, int]]) -> bool:
    return not any(start < found.end() and found.start() < end for start, end in taken)


def _without(text: str, ids: tuple[str, ...]) -> str:
    """The text without these citations, and without the brackets and commas that they leave behind."""
    for one in ids:
        text = re.sub(rf"\b{re.escape(one)}\b", "", text)
    if ids:
        text = re.sub(r"[\[(](?:\s*[,;]?\s*)*[\])]", "", text)
        text = re.sub(r"([\[(])\s*[,;]\s*|\s*[,;]\s*(?=[\])])", r"\1", text)
        text = re.sub(r",\s*,", ",", text)
    return re.sub(r"\s+([.,;!?])", r"\1", re.sub(r"[ \t]{2,}", " ", text)).strip()
