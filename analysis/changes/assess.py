"""Which change could have caused the symptoms of a service: a suspect with its reasons, never a verdict by itself.

    plausibility = effect x (UNRELATED + (1 - UNRELATED) x related)        with a diff; UNKNOWN without one
    related      = matches / (matches + HALF)
    nearness     = 1 - gap / (2 x look-back)                               1 at the onset, 1/2 at the look-back
    score        = plausibility x nearness

`matches` adds up what the changed lines and the symptoms have in common: identifiers, words, mechanisms, and, for less,
words of the title. Nothing depends on other changes or on their order, so that an innocent one more changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from analysis.changes.diffs import read_diff
from analysis.changes.effective import COMMIT, CONFIG, FLAG, Effective
from analysis.changes.effects import WEIGHT, Edit, Effect, edits
from analysis.changes.paths import configuration, harmless
from analysis.changes.symptoms import Symptoms
from analysis.changes.words import concepts, identifiers, without_names, words
from analysis.config import AnalysisConfig
from core.models import FaultKind

UNRELATED = 0.2  # an edit that breaks things is a little suspect even if nothing connects it with the symptom
UNKNOWN = 0.6  # a change of which nobody knows what it changed
HALF = 2.0  # matches that make half of full relatedness
MIN_PLAUSIBILITY = 0.35  # below this a change does not explain the symptom
NAME_VALUE, WORD_VALUE, CONCEPT_VALUE, TITLE_VALUE = 2.0, 1.0, 1.0, 0.25
MAX_TOLD = 4  # common words named in a reason
LEAVES_OUT = frozenset({Effect.WORK_ADDED, Effect.CALL_REMOVED, Effect.CALLS_SWAPPED})
"""Effects after which a program may look for what was not shipped with it, or is no longer put there."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """One change against the symptoms of the service that it reached.

    Attributes:
        kind: the fault that it would be.
        gap_seconds: from when it took effect to the onset; None when the onset is not known.
        plausibility, score: 0..1.
        reason: why it is suspect, or why not.
    """

    effective: Effective
    kind: FaultKind
    gap_seconds: float | None
    plausibility: float
    score: float
    reason: str

    @property
    def suspect(self) -> bool:
        """Whether it could have caused the symptoms."""
        return self.score > 0

    @property
    def documented(self) -> bool:
        """Whether it is suspect for what it changed, and not only for when."""
        return self.suspect and bool(self.effective.text or self.effective.paths)

    @property
    def weight(self) -> float:
        """How much it counts as evidence, 0..1: a change of unknown content in full, as nobody can clear it."""
        return min(1.0, self.score / UNKNOWN)


def assess(
    one: Effective, symptoms: Symptoms, config: AnalysisConfig, end: datetime, names: Iterable[str]
) -> Assessment:
    """Judge one change. `end` is the end of the analysed window, `names` are all services."""
    kind = _kind(one)
    if symptoms.since is None:
        return Assessment(one, kind, None, 0.0, 0.0, "nothing is unusual since")
    gap_seconds = max((symptoms.since - one.at).total_seconds(), 0.0)
    if any(begin <= one.at <= finish for begin, finish in symptoms.gradual):
        gap_seconds = 0.0
    if one.at > min(symptoms.after or end, end):
        return Assessment(one, kind, gap_seconds, 0.0, 0.0, "came after the symptoms began")
    if gap_seconds > config.change_lookback_seconds:
        return Assessment(one, kind, gap_seconds, 0.0, 0.0, "is too long ago")
    found = _explain(one, symptoms, tuple(names))
    if found.plausibility < MIN_PLAUSIBILITY:
        return Assessment(one, kind, gap_seconds, found.plausibility, 0.0, found.reason)
    if found.incomplete and kind is FaultKind.BAD_RELEASE:
        kind = FaultKind.INCOMPLETE_RELEASE
    nearness = 1 - gap_seconds / (2 * config.change_lookback_seconds)
    return Assessment(one, kind, gap_seconds, found.plausibility, found.plausibility * nearness, found.reason)


@dataclass(frozen=True, slots=True)
class _Explanation:
    """How well a change explains the symptoms, 0..1, why, and whether by something that it needs but did not bring."""

    plausibility: float
    reason: str
    incomplete: bool = False


def _explain(one: Effective, symptoms: Symptoms, names: tuple[str, ...]) -> _Explanation:
    """The best explanation that any place of the change gives."""
    if one.paths and harmless(one.paths):
        return _Explanation(0.0, "touches only documentation, tests, styles or another stage")
    judged = edits(read_diff(one.text), one.paths)
    if not judged and one.kind not in (COMMIT, FLAG) and not one.paths:
        return _Explanation(UNKNOWN, "what it changed is not known")
    judged = judged or (Edit(Effect.CODE, " ".join((one.name, *one.paths))),)
    title = words(without_names(one.title, names))
    return max(
        (_judge(edit, title, symptoms, names) for edit in judged), key=lambda found: round(found.plausibility, 6)
    )


def _judge(edit: Edit, title: frozenset[str], symptoms: Symptoms, names: tuple[str, ...]) -> _Explanation:
    """One edit of the change."""
    text = without_names(edit.text, names)
    found = words(text)
    shared = found & symptoms.words
    same = identifiers(text) & symptoms.names
    if edit.effect is Effect.LIBRARY:
        same |= shared  # all that such an edit holds is names
    matches = (
        NAME_VALUE * len(same)
        + WORD_VALUE * len(shared)
        + CONCEPT_VALUE * len(concepts(found) & symptoms.concepts)
        + TITLE_VALUE * len((title & symptoms.words) - shared)
    )
    plausibility = WEIGHT[edit.effect] * (UNRELATED + (1 - UNRELATED) * matches / (matches + HALF))
    told = sorted(same) or sorted(shared)
    about = f"; it shares {', '.join(told[:MAX_TOLD])} with the symptoms" if told else ""
    incomplete = edit.effect in LEAVES_OUT and bool((shared | same) & symptoms.missing)
    return _Explanation(plausibility, f"{edit.effect.value}{about}", incomplete)


def _kind(one: Effective) -> FaultKind:
    """The fault that a change would be if it is the cause."""
    configured = one.kind in (CONFIG, FLAG) or (one.paths and configuration(one.paths))
    return FaultKind.BAD_CONFIG if configured else FaultKind.BAD_RELEASE


def best(assessments: Iterable[Assessment]) -> Assessment | None:
    """The strongest suspect; None when there is none. Ties fall to the earlier change, last to its id."""
    suspects = [one for one in assessments if one.suspect]
    return min(suspects, key=lambda one: (-round(one.score, 6), one.effective.at, one.effective.name), default=None)
