"""How well severity and category of log templates are told, on labelled systems that no rule was made on."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Hashable, Sequence
from statistics import fmean

from agents.log_classifier import LogTemplates, classify
from bench.logs.labelled import HELD_OUT, TUNE, LabelledTemplate, load_labelled
from bench.result import Case, Figure, Peer, figure
from core.models import LogCategory, Severity, TemplateClass

Judged = Sequence[tuple[LabelledTemplate, TemplateClass]]

_ERROR = re.compile(r"error|fail|fatal|critical|exception|panic|\bcrit\b|emerg|alert", re.IGNORECASE)
_WARNING = re.compile(r"warn", re.IGNORECASE)


def judge(labelled: Sequence[LabelledTemplate]) -> Judged:
    """Each template with what the log classification agent says of it without a model."""
    given = LogTemplates(service="bench", templates=tuple(one.template for one in labelled))
    answer = asyncio.run(classify(given))
    return list(zip(labelled, answer.result.classes, strict=True))


def keyword_peer(labelled: Sequence[LabelledTemplate]) -> Judged:
    """What a search for words tells: error and warning words, and the category that is itself a word of the text."""
    return [(one, _keywords(one.template)) for one in labelled]


def figures(judged: Judged, *, details: bool) -> list[Figure]:
    """Accuracy and macro-F1 on the held-out systems; with details also the others, and what the rules did not know."""
    held_out = [each for each in judged if each[0].split == HELD_OUT]
    systems = len({label.system for label, _ in held_out})
    note = f"{len(held_out)} templates of {systems} systems that no rule was made on"
    category = [(label.category, said.category) for label, said in held_out]
    severity = [(label.severity, said.severity) for label, said in held_out]
    found = [
        figure("logs.category_accuracy", accuracy(category), note=note),
        figure("logs.category_macro_f1", macro_f1(category), note=note),
        figure("logs.severity_accuracy", accuracy(severity), note=note),
        figure("logs.severity_macro_f1", macro_f1(severity), note=note),
    ]
    if not details:
        return found
    known = [pair for pair in category if pair[1] is not LogCategory.OTHER]
    sure = [(label.category, said.category) for label, said in held_out if not label.doubt]
    tuned = [each for each in judged if each[0].split == TUNE]
    return [
        *found,
        figure("logs.category_known", len(known) / len(category), note="the rest would be shown to a model"),
        figure("logs.category_accuracy_known", accuracy(known), note="of those of which a rule knows a word"),
        figure("logs.category_accuracy_undoubted", accuracy(sure), note="of those with only one sensible label"),
        figure(
            "logs.category_accuracy_tuned",
            accuracy([(label.category, said.category) for label, said in tuned]),
            note="systems that the rules were made on: not a measure of what they can do",
        ),
        figure(
            "logs.severity_accuracy_tuned",
            accuracy([(label.severity, said.severity) for label, said in tuned]),
            note="systems of which the labels had been seen when rules were made",
        ),
    ]


def measure(*, with_cases: bool, with_peers: bool) -> tuple[list[Figure], list[Peer], list[Case]]:
    """Figures, peers and cases of the labelled templates."""
    labelled = load_labelled()
    judged = judge(labelled)
    peers = (
        [
            Peer(
                name="words",
                source="error and warning words; a category's own name in the text",
                figures=tuple(figures(keyword_peer(labelled), details=False)),
            )
        ]
        if with_peers
        else []
    )
    return figures(judged, details=True), peers, [_case(*each) for each in judged] if with_cases else []


def accuracy(pairs: Sequence[tuple[Hashable, Hashable]]) -> float:
    """Share of pairs (truth, answer) that are equal, 0..1; 0 of none."""
    return sum(truth == answer for truth, answer in pairs) / len(pairs) if pairs else 0.0


def macro_f1(pairs: Sequence[tuple[Hashable, Hashable]]) -> float:
    """Mean over the classes of the truth of 2 TP / (2 TP + FP + FN), so that rare classes count alike."""
    truths, answers = Counter(truth for truth, _ in pairs), Counter(answer for _, answer in pairs)
    right = Counter(truth for truth, answer in pairs if truth == answer)
    scores = [2 * right[one] / (truths[one] + answers[one]) for one in truths]
    return fmean(scores) if scores else 0.0


def _keywords(template: str) -> TemplateClass:
    severity = (
        Severity.CRITICAL
        if _ERROR.search(template)
        else Severity.WARNING
        if _WARNING.search(template)
        else Severity.INFO
    )
    named = (one for one in LogCategory if one.value in template.lower())
    return TemplateClass(template=template, severity=severity, category=next(named, LogCategory.OTHER))


def _case(label: LabelledTemplate, said: TemplateClass) -> Case:
    right = label.category is said.category, label.severity is said.severity
    return Case(
        name=label.template[:120],
        group=f"{label.system} ({label.split})",
        expected=f"{label.category}, {label.severity}",
        answer=f"{said.category}, {said.severity}",
        score=sum(right) / 2,
        detail={"doubt": label.doubt} if label.doubt else {},
    )
