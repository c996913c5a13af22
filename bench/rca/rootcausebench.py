"""RootCauseBench: hand-built incidents in which a change may or may not be the cause; which one, where, and what helps.

Source: https://github.com/edgedelta/root-cause-bench. A case is right when the commit (or none), the first failing
service and the remedy are all right. The benchmark's own grader asks for the commit only. There are few cases, and
those who built the engine have seen them: the figures tell more of what was missed than of what will be found.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agents.healing import plan
from agents.models import HealingInput
from analysis.config import AnalysisConfig
from analysis.view import SystemView
from bench.rca.case import Outcome, RcaCase, Truth
from bench.rca.rootcausebench_files import Incident, read_incident, view_of
from bench.rca.rootcausebench_peers import PEERS
from bench.rca.rootcausebench_twists import (
    new_names,
    renamed,
    reordered,
    with_innocent_deploys,
    without_commit,
)
from bench.result import Case, Figure, Peer, figure
from core.errors import UsageError
from core.models import Diagnosis, FaultKind, Remedy, Service

CONFIG = AnalysisConfig(window_seconds=600.0, baseline_seconds=3600.0, step_seconds=60.0)
"""A minute between samples, and ten minutes of them, as a window of the usual five would hold too few."""

NONE = "none"
FLOOR, AIM = 0.58, 0.75
MOVED_SECONDS = 60.0
GIVEN, RENAMED, EARLIER, LATER = "given", "renamed", "earlier", "later"
MOVED = frozenset({EARLIER, LATER})
"""Variants in which more or less is known, so that another answer is allowed."""
CHANGED = frozenset({FaultKind.BAD_RELEASE, FaultKind.BAD_CONFIG, FaultKind.INCOMPLETE_RELEASE})
REMEDIES: dict[Remedy, str] = {
    Remedy.ROLLBACK: "rollback",
    Remedy.ROLL_FORWARD: "roll-forward",
    Remedy.REVERT_CONFIG: "config-revert",
    Remedy.SCALE: "scale",
    Remedy.RESCHEDULE: "reschedule",
    Remedy.PURGE_DATA: "purge-bad-data",
    Remedy.FAILOVER: "failover",
    Remedy.RENEW_CERTIFICATE: "rotate-cert",
}
"""Our remedies by the words of the data."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a method says of a case: the commit or none, the service, the remedy; empty where it says nothing."""

    commit: str
    service: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.commit[:12]} / {self.service} / {self.remedy}"


@dataclass(frozen=True, slots=True)
class FolderCase(RcaCase):
    """A case that knows where its files are."""

    folder: Path


def cases(folder: Path) -> list[RcaCase]:
    """Every folder that holds an alert."""
    return [
        FolderCase("rootcausebench", case.name, "", _views(case), CONFIG, partial(_truth, case), case)
        for case in sorted(path.parent for path in folder.glob("*/alert.json"))
    ]


def score(outcomes: Sequence[Outcome]) -> tuple[list[Figure], list[Case]]:
    """Whole cases and their parts, what must not change the answer, and the incidents without their culprits."""
    return asyncio.run(_score(outcomes))


def peers(given: Sequence[RcaCase]) -> list[Peer]:
    """Trivial rules on the same cases; none of them reads a diff."""
    found = []
    for name, rule in PEERS.items():
        answers = [(Verdict(*rule(_incident(case))), case.truth()) for case in given]
        found.append(Peer(name=name, source="a trivial rule", figures=tuple(_parts(answers))))
    return found


async def _score(outcomes: Sequence[Outcome]) -> tuple[list[Figure], list[Case]]:
    verdicts: dict[str, list[tuple[Verdict, Truth]]] = {}
    listed = []
    for one in outcomes:
        given, truth = await verdict(one.diagnosis, one.view), one.case.truth()
        if one.variant == RENAMED:
            names = {new: old for old, new in new_names(_incident(one.case)).items()}
            given = Verdict(given.commit, names.get(given.service, ""), given.remedy)
        verdicts.setdefault(one.variant, []).append((given, truth))
        listed.append(_case(one, given, truth))
    if not verdicts:
        return [figure("rootcausebench.whole_case", None, floor=FLOOR, aim=AIM, note="no cases")], []
    figures = _parts(verdicts[GIVEN], floor=FLOOR, aim=AIM)
    for variant in [name for name in verdicts if name != GIVEN]:
        pairs = zip(verdicts[GIVEN], verdicts[variant], strict=True)
        same = [given == twisted for (given, _), (twisted, _) in pairs]
        floor_here = None if variant in MOVED else 1.0
        figures.append(figure(f"rootcausebench.{variant}.same_answer", _share(same), floor=floor_here))
        right = [_right(*pair) for pair in verdicts[variant]]
        figures.append(figure(f"rootcausebench.{variant}.whole_case", _share(right)))
    figures.append(await _without_culprits(outcomes))
    return figures, listed


async def _without_culprits(outcomes: Sequence[Outcome]) -> Figure:
    """How often no commit is blamed once the guilty one was never written."""
    from bench.rca.run import replay

    guilty = [one.case for one in outcomes if one.variant == GIVEN and one.case.truth().component != NONE]
    twisted = [
        RcaCase(case.system, case.name, case.group, {GIVEN: partial(_without_culprit, case)}, CONFIG, case.truth)
        for case in guilty
    ]
    answers = [await verdict(one.diagnosis, one.view) for one in await replay(twisted)]
    return figure("rootcausebench.without_culprit.none", _share([one.commit == NONE for one in answers]), floor=1.0)


def _without_culprit(case: RcaCase) -> SystemView:
    return view_of(without_commit(_incident(case), case.truth().component), CONFIG.window_seconds)


async def verdict(diagnosis: Diagnosis, view: SystemView) -> Verdict:
    """A diagnosis in the terms of the data, with the remedy that the healing agent names."""
    services = tuple(Service(name=name) for name in dict.fromkeys([view.symptom, *(s.service for s in view.signals)]))
    answer = await plan(HealingInput(diagnosis=diagnosis, symptom=view.symptom, services=services, options=()))
    remedy, first = answer.result.remedy, diagnosis.first
    if first is None:
        return Verdict(NONE, view.symptom, "")
    commits = {one.change.reference for one in view.changes if one.change.kind == "commit"}
    blamed = first.component if first.kind in CHANGED and first.component in commits else NONE
    return Verdict(blamed, first.service, REMEDIES.get(remedy, "") if remedy else "")


def _views(case: Path) -> Mapping[str, Callable[[], SystemView]]:
    """The incident as it is, twisted in ways that must not matter, and looked at a minute sooner or later."""

    def build(twist: Callable[[Incident], Incident], late_seconds: float = 0.0) -> Callable[[], SystemView]:
        return lambda: view_of(twist(read_incident(case)), CONFIG.window_seconds, late_seconds)

    return {
        GIVEN: build(lambda incident: incident),
        RENAMED: build(renamed),
        "reordered": build(reordered),
        "innocent_deploys": build(with_innocent_deploys),
        EARLIER: build(lambda incident: incident, -MOVED_SECONDS),
        LATER: build(lambda incident: incident, MOVED_SECONDS),
    }


def _incident(case: RcaCase) -> Incident:
    """The parsed files of a case of this data set."""
    if not isinstance(case, FolderCase):
        raise UsageError(f"{case.name} is no case of RootCauseBench", fix="score each data set by its own module")
    return read_incident(case.folder)


def _truth(case: Path) -> Truth:
    """The label; only scorers call this."""
    told = json.loads((case / "ground_truth.json").read_text(encoding="utf-8"))
    return Truth(told["first_failing_service"], told["root_cause_commit"], {"remediation": told["remediation"]})


def _parts(
    answers: Sequence[tuple[Verdict, Truth]], floor: float | None = None, aim: float | None = None
) -> list[Figure]:
    """Whole cases, and how often each part is right."""
    note = f"{len(answers)} cases: one is {1 / max(len(answers), 1):.0%}"
    parts: dict[str, Callable[[Verdict, Truth], bool]] = {
        "commit": lambda given, truth: given.commit == truth.component,
        "service": lambda given, truth: given.service == truth.service,
        "remediation": lambda given, truth: given.remedy == truth.labels["remediation"],
    }
    whole = figure(
        "rootcausebench.whole_case", _share([_right(*pair) for pair in answers]), floor=floor, aim=aim, note=note
    )
    return [whole] + [
        figure(f"rootcausebench.{name}", _share([right(*pair) for pair in answers])) for name, right in parts.items()
    ]


def _right(given: Verdict, truth: Truth) -> bool:
    return given == Verdict(truth.component, truth.service, truth.labels["remediation"])


def _case(one: Outcome, given: Verdict, truth: Truth) -> Case:
    expected = Verdict(truth.component, truth.service, truth.labels["remediation"])
    first = one.diagnosis.first
    return Case(
        name=f"{one.case.name} ({one.variant})",
        group=one.variant,
        expected=str(expected),
        answer=str(given),
        score=float(_right(given, truth)),
        detail={"statement": first.statement if first else one.diagnosis.abstained},
    )


def _share(right: Sequence[bool]) -> float | None:
    return sum(right) / len(right) if right else None
