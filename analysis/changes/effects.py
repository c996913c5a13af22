"""What a diff does to the code, told by generic marks of its lines, and how likely such an edit breaks something.

The classes follow what studies of incident-causing changes find: tuned constants and limits, calls that went missing,
checks that went missing, work that was added to a hot path (Gunawi et al., "What bugs live in the cloud?", SoCC 2014;
Ghosh et al., "How to fight production incidents?", SoCC 2022). The weights are an order, not a fit.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from analysis.changes.diffs import Hunk
from analysis.changes.paths import dependencies, harmless


class Effect(StrEnum):
    """What an edit does."""

    SETTING = "changes a limit, a constant or a setting"
    LIMIT_REMOVED = "removes a limit"
    NAME = "renames a field, a key or a table"
    CHECK_REMOVED = "removes a check"
    CALL_REMOVED = "removes a call"
    WORK_ADDED = "adds a query or a call"
    CALLS_SWAPPED = "calls something else"
    CODE = "changes code"
    LIBRARY = "moves a library to another version"
    LIBRARY_PATCH = "updates a library by a patch release"
    CHECK_ADDED = "adds a check"
    REFACTORED = "rearranges code with the same constants and checks"
    COSMETIC = "changes only texts, logging, comments or styles"


WEIGHT: dict[Effect, float] = {
    Effect.SETTING: 1.0,
    Effect.LIMIT_REMOVED: 1.0,
    Effect.NAME: 1.0,
    Effect.CHECK_REMOVED: 1.0,
    Effect.CALL_REMOVED: 1.0,
    Effect.WORK_ADDED: 1.0,
    Effect.CALLS_SWAPPED: 0.8,
    Effect.CODE: 0.6,
    Effect.LIBRARY: 0.7,
    Effect.LIBRARY_PATCH: 0.2,
    Effect.CHECK_ADDED: 0.2,
    Effect.REFACTORED: 0.1,
    Effect.COSMETIC: 0.0,
}
"""How likely an edit of the class breaks something, if it has to do with what broke."""

MAX_PAIRED = 60  # lines of each side of a hunk that are compared with each other
SAME_LINE = 0.5  # share of common words from which a line that came is a line that went, edited

_CALL = re.compile(r"\b([A-Za-z_]\w*)(?:\[[^\]]*\])?\s*\(")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\.\d)")
_RELEASE = re.compile(r"v?\d+\.\d+\.\d+[\w.+-]*")
_NO_LIMIT = re.compile(_RELEASE.pattern + r"|(?<=[\s(])[1-5]\d\d(?=\))")
"""Numbers that set no limit: releases, and HTTP's status codes as the last argument of a call."""
_CHECK = re.compile(
    r"\b(?:if|unless|guard|assert|require|when|except|catch|recover|ensure|validate\w*|check\w*)\b|\?\.|\?\?|\|\||&&"
)
_LITERAL = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`")
_NAME = re.compile(r"\"[A-Za-z_][\w.-]*\"|'[A-Za-z_][\w.-]*'|`[A-Za-z_][\w.-]*`")
_LIMIT = re.compile(
    r"(?i)\b(?:limit|max\w*|top|fetch\s+first|page_?size|batch_?size|timeout|deadline|ttl|cap|capacity|bound|quota)\b"
)
_TOKEN = re.compile(r"[A-Za-z_]\w*")
_QUERY = re.compile(
    r"\b(?:select\s.{1,200}?\sfrom|insert\s+into|update\s.{1,200}?\sset|delete\s+from)\b", re.IGNORECASE
)
_WORK = re.compile(
    r"(?:get|fetch|query|find|load|read|put|send|publish|scan|search|select|lookup|call|write|insert|update|delete|batch)"
    r"(?![a-z])(?!\w*(?:error|json|header|response|param|log)\w*$)",
    re.IGNORECASE,
)
"""Names of calls that ask somebody else, by their verb; what only writes an answer or reads a parameter is none."""
_KEYWORDS = re.compile(r"if|for|while|switch|catch|return|func|function|def|and|or|not|in|elif|with|match|range")
_HELPERS = re.compile(r"(?i)err|error|errorf|wrap|string|sprintf|format|append|len|make|new|json|decode|encode|status")
_SETTING_LINE = re.compile(r"^[\w.\-\"']+\s*[:=]\s*[^({]+$")


@dataclass(frozen=True, slots=True)
class Edit:
    """One hunk, judged.

    Attributes:
        text: the words that went, came, or stand on a line of which a part changed.
    """

    effect: Effect
    text: str


def edits(hunks: Sequence[Hunk], paths: Iterable[str] = ()) -> tuple[Edit, ...]:
    """What each hunk does; a call that only moved within the diff is neither removed nor added."""
    listed = tuple(paths)
    return tuple(_edit(hunk, (hunk.path,) if hunk.path else listed, hunks) for hunk in hunks)


def _edit(hunk: Hunk, paths: tuple[str, ...], hunks: Sequence[Hunk]) -> Edit:
    if not (hunk.removed or hunk.added) or harmless(paths):
        return Edit(Effect.COSMETIC, " ".join(hunk.logged))
    return Edit(_effect(hunk, paths, hunks), _changed_text(hunk))


def _effect(hunk: Hunk, paths: tuple[str, ...], hunks: Sequence[Hunk]) -> Effect:
    removed, added = hunk.removed, hunk.added
    went, came = " ".join(removed), " ".join(added)
    if dependencies(paths):
        return Effect.LIBRARY_PATCH if _minor(went) == _minor(came) else Effect.LIBRARY
    if _RELEASE.sub("", went) == _RELEASE.sub("", came) or _bare(went) == _bare(came) != "":
        return Effect.COSMETIC
    if _setting_changed(removed, added):
        return Effect.SETTING
    if any(_LIMIT.search(line) and not _kept(_numbers(line), _numbers(came)) for line in removed):
        return Effect.LIMIT_REMOVED
    if _renamed(removed, added):
        return Effect.NAME
    if len(_CHECK.findall(went)) > len(_CHECK.findall(came)) and not _moved(went, came):
        return Effect.CHECK_REMOVED
    everything_removed = _calls(line for one in hunks for line in one.removed)
    everything_added = _calls(line for one in hunks for line in one.added)
    lost = _calls(removed) - everything_added
    gained = _calls(added) - everything_removed
    if lost and not gained:
        return Effect.CALL_REMOVED if not added or len(removed) >= len(added) else Effect.CALLS_SWAPPED
    if (_QUERY.search(came) and not _QUERY.search(went)) or _work(gained) > _work(lost):
        return Effect.WORK_ADDED
    if not removed and all(_CHECK.search(line) or _leaves(line) for line in added):
        return Effect.CHECK_ADDED
    if removed and added and _kept(_numbers(went), _numbers(came)):
        return Effect.REFACTORED
    return Effect.CALLS_SWAPPED if lost and gained else Effect.CODE


def _setting_changed(removed: Sequence[str], added: Sequence[str]) -> bool:
    """A line that stayed the same but for a number, a unit or a setting's value; release numbers do not count."""
    for before, after in _edited(removed, added):
        old, new = _numbers(before), _numbers(after)
        if old != new and (old or _SETTING_LINE.match(before)):
            return True
        if _SETTING_LINE.match(before) and _SETTING_LINE.match(after) and not _CALL.search(after):
            return True
    return False


def _edited(removed: Sequence[str], added: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Lines that went beside those that came in their place: of each side so many lines are looked at."""
    came = [(line, Counter(_TOKEN.findall(line))) for line in added[:MAX_PAIRED]]
    for before in removed[:MAX_PAIRED]:
        tokens = Counter(_TOKEN.findall(before))
        for after, others in came:
            if before != after and _similar(tokens, others):
                yield before, after


def _similar(left: Counter[str], right: Counter[str]) -> bool:
    """Whether two lines have most of their words in common."""
    common, total = sum((left & right).values()), max(sum(left.values()), sum(right.values()))
    return total > 0 and common / total >= SAME_LINE


def _moved(went: str, came: str) -> bool:
    """Whether the constants that were checked against are still there: the check lives elsewhere now."""
    numbers = _numbers(went)
    return bool(numbers) and _kept(numbers, _numbers(came))


def _numbers(text: str) -> list[str]:
    """The constants of a text."""
    return _NUMBER.findall(_NO_LIMIT.sub("", text))


def _renamed(removed: Sequence[str], added: Sequence[str]) -> bool:
    """A line that stayed the same but for a name in quotes: a key, a field, a table, not a message for people."""
    return any(
        _nameless(before) == _nameless(after) and _names(before) != _names(after)
        for before, after in _edited(removed, added)
    )


def _nameless(text: str) -> str:
    return re.sub(r"\s+", "", _NAME.sub('""', text))


def _names(text: str) -> list[str]:
    return [found for found in _NAME.findall(text) if not _RELEASE.fullmatch(found.strip("\"'`"))]


def _minor(text: str) -> list[str]:
    """The libraries and releases named in a text, releases without their patch number (https://semver.org)."""
    return sorted(re.findall(r"v?\d+\.\d+(?=\.\d)", text))


def _kept(before: Sequence[str], after: Sequence[str]) -> bool:
    return not Counter(before) - Counter(after) or set(before) == set(after)


def _calls(lines: Iterable[str]) -> set[str]:
    """Names that are called, without keywords and without helpers that build values."""
    names = (name for line in lines for name in _CALL.findall(_LITERAL.sub("", line)))
    return {name for name in names if not _KEYWORDS.fullmatch(name) and not _HELPERS.fullmatch(name)}


def _work(names: Iterable[str]) -> int:
    """How many of the calls fetch, store or send something."""
    return sum(bool(_WORK.match(name)) for name in names)


def _leaves(line: str) -> bool:
    """Whether a line only closes a block, or leaves the function early."""
    return bool(re.match(r"^(?:[)}\]\s;]*|return\b.*|continue;?|break;?|raise\b.*|throw\b.*)$", line))


def _bare(text: str) -> str:
    """Code without its texts and white space: what is equal in this differs only in wording."""
    if _QUERY.search(text):
        return ""
    return re.sub(r"\s+", "", _LITERAL.sub(lambda found: found[0] if _NAME.fullmatch(found[0]) else '""', text))


def _changed_text(hunk: Hunk) -> str:
    """What tells what the hunk is about: everything that is not on both sides, and lines of which a part changed."""
    went, came = Counter(hunk.removed), Counter(hunk.added)
    return "\n".join([*(went - came).elements(), *(came - went).elements(), *hunk.logged])
