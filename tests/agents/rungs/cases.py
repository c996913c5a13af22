"""An incident of the shop as the model rungs see it: evidence behind every frame, the rules' answers, and answers."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from agents import rca
from agents.models import AnomalyInput, HealingInput, RcaInput, TriageInput
from agents.rungs.model import Asking
from agents.spec import Answer
from analysis.anomalies import detect
from core.models import (
    ActionOption,
    Alert,
    AlertStatus,
    Diagnosis,
    Digest,
    Evidence,
    EvidenceKind,
    Fact,
    Finding,
    LogCategory,
    LogChange,
    Risk,
    SeriesDigest,
    Service,
    Severity,
    TemplateDigest,
)
from core.models.usual import Past, Usual
from tests.analysis.shop import CONFIG, DEPENDENCIES, END, WINDOW, Shop
from tests.fakes.chat import ReciteModel


@dataclass(frozen=True)
class Case:
    """A fault of the shop: what each agent is given, and what the rules say of its cause."""

    triage: TriageInput
    anomaly: AnomalyInput
    rca: RcaInput
    rules: Answer[Diagnosis]

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.rca.findings

    def cites(self, service: str) -> list[str]:
        """Evidence that shows something unusual of the service."""
        return list(dict.fromkeys(one for each in self.findings if each.service == service for one in each.evidence))

    def healing(self, **changed: Any) -> HealingInput:
        options = tuple(
            ActionOption(name=name, description="", risk=Risk.LOW) for name in ("restart", "start", "rollback", "stop")
        )
        given = HealingInput(
            diagnosis=self.rules.result,
            symptom="gateway",
            services=tuple(Service(name=name, dependencies=callees) for name, callees in DEPENDENCIES.items()),
            states=tuple(each.state for each in self.rca.view.states),
            options=options,
            evidence=self.rca.evidence,
        )
        return given.model_copy(update=changed)


@cache
def burnt() -> Case:
    """The payment service burns CPU, and the rules know it."""
    return asyncio.run(case())


async def case(fault: str = "burn", service: str = "payment", shop: Shop | None = None) -> Case:
    """That fault, measured and ranked."""
    shop = shop or Shop(1)
    getattr(shop, fault)(service)
    view = shop.view()
    findings = detect(view, CONFIG)
    alert = Alert(
        fingerprint="f1",
        status=AlertStatus.FIRING,
        name="GatewayErrors",
        severity=Severity.CRITICAL,
        labels={"alertname": "GatewayErrors", "service": "gateway"},
        annotations={"summary": "5xx of the gateway"},
        starts_at=END,
        source="test",
    )
    subjects = {frame.evidence: frame.service for frame in view.signals}
    subjects |= {frame.evidence: frame.service for frame in view.logs}
    subjects |= {each.evidence: each.state.service for each in view.states}
    subjects |= {each.evidence: each.change.service for each in view.changes}
    found = {one: finding for finding in findings for one in finding.evidence}
    evidence = tuple(_evidence(identity, subject, found.get(identity)) for identity, subject in subjects.items())
    alerts = _evidence("ev_alert", "gateway", None)
    given = RcaInput(view, findings, CONFIG, evidence=evidence)
    return Case(
        TriageInput(alerts=(alert,), service="gateway", evidence=(alerts,)),
        AnomalyInput(view, CONFIG, evidence),
        given,
        await rca.diagnose(given),
    )


def _evidence(identity: str, subject: str, finding: Finding | None) -> Evidence:
    kind = EvidenceKind.LOG if "log" in identity else EvidenceKind.METRIC
    usual = (
        Usual(past=Past.LAST_DAY, median=0.05, spread=0.01, low=0.02, high=0.09, samples=1000),
        Usual(past=Past.SAME_HOUR, median=0.06, spread=0.01, low=0.03, high=0.1, samples=100),
    )
    digest = Digest(summary=f"{identity} of {subject}", facts=(Fact(subject=subject, name="is", value="calm"),))
    if finding is not None and kind is EvidenceKind.METRIC:
        row = SeriesDigest(
            subject=subject,
            metric=finding.metric,
            current=finding.current,
            baseline=finding.baseline,
            deviation=finding.magnitude,
            onset=finding.onset,
            usual=usual,
        )
        digest = Digest(summary=finding.text, series=(row,))
    elif finding is not None:
        template = TemplateDigest(
            subject=subject,
            template=finding.metric,
            severity=Severity.CRITICAL,
            category=LogCategory.OTHER,
            change=LogChange.NEW,
            count=8,
            rate_now=1.6,
            first_at=finding.onset,
        )
        digest = Digest(summary=finding.text, templates=(template,))
    return Evidence(
        id=identity,
        incident_id="inc_1",
        kind=kind,
        tool="metric_digest",
        source="test",
        query="{}",
        window=WINDOW,
        subject=subject,
        digest=digest,
    )


def says(*causes: dict[str, Any], confidence: float = 0.9, narrative: str = "It is so.") -> str:
    """A root cause answer."""
    return json.dumps({"causes": causes, "confidence": confidence, "narrative": narrative})


def cause(service: str, kind: str, cites: list[str], **more: Any) -> dict[str, Any]:
    """One cause of such an answer."""
    return {
        "service": service,
        "kind": kind,
        "statement": "it is broken",
        "evidence_for": cites,
        "evidence_against": [],
        **more,
    }


HOLDS = json.dumps({"holds": True, "confidence": 0.9, "objection": ""})


def asking(model: ReciteModel, **changed: Any) -> Asking:
    """With one model."""
    return replace(Asking(models={model.rung: model}, incident_id="inc_1", service="gateway"), **changed)
