"""Labelled incidents as the agents are given them, with what the rules say of each worked out once.

The data sets hold series, not answers of queries: each series, log, change and state becomes the evidence that the
query of its kind would have made, with the same digest.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from agents import anomaly, rca
from agents.models import AnomalyInput, Findings, RcaInput
from agents.spec import Answer
from analysis.config import AnalysisConfig
from analysis.digests import bound, series_digest, template_digests
from analysis.view import ChangeView, LogFrame, SignalFrame, StateView, SystemView
from bench.calibration.hardships import HARDSHIPS
from bench.data import pack_folder
from bench.rca.case import DataSet, RcaCase
from bench.rca.run import DATA_SETS
from core.models import (
    Alert,
    Diagnosis,
    Digest,
    Evidence,
    EvidenceKind,
    Fact,
    Finding,
    Service,
    Severity,
    Window,
    content_id,
)
from drills.results import Key

NO_WINDOW_EVIDENCE = {EvidenceKind.TOPOLOGY: "service_topology", EvidenceKind.ALERT: "active_alerts"}


@dataclass(frozen=True, slots=True)
class Replayed:
    """One incident, ready to be put to models.

    Attributes:
        system: data set that it is from.
        hardship: name of the `Hardship` it is seen under.
        truth: the label.
        found, ranked: the rules' answers of the anomaly and the root cause agent.
        alerts, inventory: of a drill; the data sets have none.
        severity: of a drill's incident; of those of the data sets nothing is known.
    """

    system: str
    name: str
    hardship: str
    truth: Key
    view: SystemView
    config: AnalysisConfig
    evidence: tuple[Evidence, ...]
    found: Answer[Findings]
    ranked: Answer[Diagnosis]
    alerts: tuple[Alert, ...] = ()
    inventory: tuple[Service, ...] = ()
    severity: Severity = Severity.WARNING

    @property
    def label(self) -> str:
        """The culprit; either end where the fault is on the way between two."""
        return " or ".join(self.truth.services)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What left its baseline."""
        return self.found.result.findings

    def blames(self, diagnosis: Diagnosis) -> bool:
        """Whether it names the culprit first."""
        return diagnosis.first is not None and diagnosis.first.service in self.truth.services

    def explains(self, diagnosis: Diagnosis) -> bool:
        """Whether it names the culprit and the kind of its fault first."""
        return self.blames(diagnosis) and diagnosis.first is not None and diagnosis.first.kind in self.truth.kinds

    @property
    def services(self) -> tuple[str, ...]:
        """All that anything is known of, the symptom first."""
        view = self.view
        named = [view.symptom, *(one.service for one in view.signals), *(one.service for one in view.logs)]
        named += [one.state.service for one in view.states]
        named += [one for caller, callees in view.dependencies.items() for one in (caller, *callees)]
        return tuple(dict.fromkeys(name for name in named if name))


def replayed(data: Path, pack: str) -> list[Replayed]:
    """Every incident of a data set under every hardship, as the rules see it.

    Raises:
        NotFound: the data pack is not there.
    """
    data_set = cast(DataSet, importlib.import_module(DATA_SETS[pack]))
    cases = data_set.cases(pack_folder(data, pack))
    return [one for seed, case in enumerate(cases) for one in _under_hardships(case, seed)]


def _under_hardships(case: RcaCase, seed: int) -> Iterator[Replayed]:
    whole, truth = next(iter(case.views.values()))(), Key(services=(case.truth().service,))
    view, evidence = with_evidence(whole, case.config)
    yield from hardened(case.system, case.name, truth, view, case.config, evidence, seed)


def hardened(
    system: str,
    name: str,
    truth: Key,
    view: SystemView,
    config: AnalysisConfig,
    evidence: tuple[Evidence, ...],
    seed: int,
) -> Iterator[Replayed]:
    """An incident under every hardship, with what the rules say of each."""
    for hardship in HARDSHIPS:
        changed = hardship.change(view, truth.services[0], seed)
        kept = cited_in(changed)
        left = tuple(one for one in evidence if one.id in kept)
        found, ranked = asyncio.run(_by_rules(changed, config))
        yield Replayed(system, name, hardship.name, truth, changed, config, left, found, ranked)


async def _by_rules(view: SystemView, config: AnalysisConfig) -> tuple[Answer[Findings], Answer[Diagnosis]]:
    found = await anomaly.find(AnomalyInput(view, config))
    return found, await rca.diagnose(RcaInput(view, found.result.findings, config))


def cited_in(view: SystemView) -> frozenset[str]:
    """Ids of the evidence that the view still rests on."""
    kept = {view.topology_evidence, view.alert_evidence}
    for parts in (view.signals, view.logs, view.changes, view.states, view.traces):
        kept.update(one.evidence for one in parts)
    return frozenset(kept)


def with_evidence(view: SystemView, config: AnalysisConfig) -> tuple[SystemView, tuple[Evidence, ...]]:
    """The view whose parts cite evidence with ids as production gives them, and that evidence."""
    made: dict[str, Evidence] = {}

    def cited(kind: EvidenceKind, tool: str, subject: str, named: str, digest: Digest) -> str:
        one = _evidence(kind, tool, subject, named, bound(digest, config.max_digest_tokens), view.window)
        made[one.id] = one
        return one.id

    def series(frame: SignalFrame) -> SignalFrame:
        row = series_digest(frame, view.window, view.baseline, config)
        told = "no samples" if row.current is None else f"{row.current:g} {row.unit}"
        digest = Digest(summary=f"{frame.signal} of {frame.service}: {told}", series=(row,))
        named = f"{frame.signal}/{frame.metric}"
        return replace(frame, evidence=cited(EvidenceKind.METRIC, "metric_digest", frame.service, named, digest))

    def lines(frame: LogFrame) -> LogFrame:
        rows = template_digests(frame, view.window, view.baseline, config)
        summary = f"{sum(row.count for row in rows)} lines of {frame.service} in the window"
        digest = Digest(summary=summary, templates=rows)
        return replace(frame, evidence=cited(EvidenceKind.LOG, "log_digest", frame.service, "", digest))

    def change(one: ChangeView) -> ChangeView:
        what, subject = one.change, one.change.service
        fact = Fact(subject=subject, name=what.kind, value=f"{what.before} -> {what.after}", at=what.at)
        digest = Digest(summary=f"{what.kind} of {subject}", facts=(fact,))
        named = f"{what.kind}/{what.at.isoformat()}/{what.reference}"
        return ChangeView(what, cited(EvidenceKind.CHANGE, "recent_changes", subject, named, digest))

    def state(one: StateView) -> StateView:
        subject, told = one.state.service, f"{one.state.service} is {one.state.state}"
        digest = Digest(summary=told, facts=(Fact(subject=subject, name="state", value=one.state.state),))
        return StateView(one.state, cited(EvidenceKind.STATE, "service_state", subject, "", digest))

    def plain(kind: EvidenceKind, old: str, told: str) -> str:
        return cited(kind, NO_WINDOW_EVIDENCE[kind], view.symptom, "", Digest(summary=told)) if old else ""

    def traced(service: str) -> str:
        return cited(EvidenceKind.TRACE, "trace_digest", service, "", Digest(summary=f"spans of {service}"))

    shown = replace(
        view,
        signals=tuple(series(each) for each in view.signals),
        logs=tuple(lines(each) for each in view.logs),
        changes=tuple(change(each) for each in view.changes),
        states=tuple(state(each) for each in view.states),
        traces=tuple(replace(each, evidence=traced(each.service)) for each in view.traces),
        topology_evidence=plain(EvidenceKind.TOPOLOGY, view.topology_evidence, "who calls whom"),
        alert_evidence=plain(EvidenceKind.ALERT, view.alert_evidence, f"an alert on {view.symptom}"),
    )
    return shown, tuple(made.values())


def _evidence(kind: EvidenceKind, tool: str, subject: str, named: str, digest: Digest, window: Window) -> Evidence:
    return Evidence(
        id=content_id("ev", kind, subject, named),
        incident_id="inc_bench",
        kind=kind,
        tool=tool,
        source="recording",
        query=named,
        window=window,
        subject=subject,
        digest=digest,
    )
