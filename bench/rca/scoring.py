"""How rankings are compared with labels: fair ties, top-k, and the mean of top-1 to top-5."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.rca.case import Outcome, Truth
from bench.result import Case, Figure, figure

Ranking = Sequence[tuple[str, float]]
"""Names with their scores, in any order; a name may come more than once, its best score counts."""

AVERAGE_OF = 5
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure should reach, 0..1."""

    floor: float | None = None
    aim: float | None = None


NO_TARGET = Target()


def credit(ranking: Ranking, truth: str, k: int) -> float:
    """Chance that the truth is among the first `k` when ties are broken at random; a score of zero earns nothing."""
    best: dict[str, float] = {}
    for name, value in ranking:
        best[name] = max(best.get(name, 0.0), round(value, DIGITS))
    mine = best.get(truth, 0.0)
    if mine <= 0:
        return 0.0
    better = sum(1 for value in best.values() if value > mine)
    tied = sum(1 for value in best.values() if value == mine)
    return min(1.0, max(0.0, (k - better) / tied))


def average_credit(ranking: Ranking, truth: str) -> float:
    """Avg@5: the mean of the credits at 1 to 5."""
    return sum(credit(ranking, truth, k) for k in range(1, AVERAGE_OF + 1)) / AVERAGE_OF


def services(outcome: Outcome) -> Ranking:
    """The ranked services of a diagnosis; none after an abstention."""
    if outcome.diagnosis.first is None:
        return []
    return [(one.service, one.probability) for one in outcome.diagnosis.hypotheses]


def components(outcome: Outcome) -> Ranking:
    """The ranked metrics or other components."""
    if outcome.diagnosis.first is None:
        return []
    return [(one.component, one.probability) for one in outcome.diagnosis.hypotheses]


def service_of(truth: Truth) -> str:
    """The label's service."""
    return truth.service


def component_of(truth: Truth) -> str:
    """The label's component."""
    return truth.component


def scored(outcome: Outcome) -> Case:
    """One line about one variant of a case: top-1 credit for the service."""
    truth, first = outcome.case.truth(), outcome.diagnosis.first
    answer = f"{first.service}: {first.kind} ({first.component})" if first else f"none: {outcome.diagnosis.abstained}"
    ranked = ", ".join(f"{name} {value:g}" for name, value in services(outcome))
    return Case(
        name=f"{outcome.case.name} [{outcome.variant}]",
        group=f"{outcome.case.system}/{outcome.case.group}",
        expected=" ".join(filter(None, (truth.service, truth.component))),
        answer=answer,
        score=round(credit(services(outcome), truth.service, 1), DIGITS),
        detail={"ranking": ranked, "confidence": f"{outcome.diagnosis.confidence:g}"},
    )


def by_variant(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Outcomes of each variant, in the order in which the first case has them."""
    found: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        found[outcome.variant].append(outcome)
    return dict(found)


def mean(values: Sequence[float]) -> float | None:
    """The mean; None of nothing."""
    return sum(values) / len(values) if values else None


def top_k_figures(system: str, outcomes: Sequence[Outcome], targets: Mapping[int, Target]) -> list[Figure]:
    """Top-k by service: the headline variant has the targets, then a breakdown by group, then the other variants."""
    figures = []
    for index, (variant, group) in enumerate(by_variant(outcomes).items()):
        for k, target in targets.items():
            name = f"{system}.top_{k}" if index == 0 else f"{system}.top_{k}.{variant}"
            value = mean([credit(services(one), one.case.truth().service, k) for one in group])
            wanted = target if index == 0 else NO_TARGET
            figures.append(figure(name, value, "share", floor=wanted.floor, aim=wanted.aim, note=_note(variant, group)))
        if index == 0:
            figures += _by_group(system, group, min(targets))
    return figures


def average_at_figures(system: str, outcomes: Sequence[Outcome], target: Target) -> list[Figure]:
    """Avg@5 a group, for the service and for its component: the headline variant has the targets."""
    figures = []
    levels: tuple[tuple[str, Callable[[Outcome], Ranking], Callable[[Truth], str]], ...] = (
        ("service", services, service_of),
        ("service_metric", components, component_of),
    )
    for index, (variant, of_variant) in enumerate(by_variant(outcomes).items()):
        for group in sorted({one.case.group for one in of_variant}):
            members = [one for one in of_variant if one.case.group == group]
            for level, ranking, label in levels:
                name = ".".join(filter(None, (system, "avg_at_5", group, level, variant if index else "")))
                value = mean([average_credit(ranking(one), label(one.case.truth())) for one in members])
                wanted = target if index == 0 else NO_TARGET
                note = _note(variant, members)
                figures.append(figure(name, value, "share", floor=wanted.floor, aim=wanted.aim, note=note))
    return figures


def _by_group(system: str, outcomes: Sequence[Outcome], k: int) -> list[Figure]:
    figures = []
    for group in sorted({one.case.group for one in outcomes}):
        members = [one for one in outcomes if one.case.group == group]
        value = mean([credit(services(one), one.case.truth().service, k) for one in members])
        figures.append(figure(f"{system}.top_{k}.{group}", value, "share", note=f"{len(members)} cases"))
    return figures


def _note(variant: str, outcomes: Sequence[Outcome]) -> str:
    silent = sum(1 for one in outcomes if one.diagnosis.first is None)
    return f"{len(outcomes)} cases, onset {variant}" + (f", {silent} abstained" if silent else "")
