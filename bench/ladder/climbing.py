"""One incident put to all agents, each on the ladder, with models that err."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agents import anomaly, classifier, healing, rca
from agents.ladder import Climb, climb
from agents.ladder_policy import LadderPolicy
from agents.models import AnomalyInput, Findings, HealingInput, Plan, RcaInput, TriageInput
from agents.rungs.model import Asking
from agents.spec import AgentSpec, Answer, In, Out
from bench.ladder.erring import Asked, ErringModel
from bench.ladder.incidents import Replayed
from core.clock import ManualClock
from core.models import Alert, AlertStatus, Diagnosis, Rung, Service, ServiceKind, Severity
from tools.registry import action_options

POLICY = LadderPolicy()


@dataclass(frozen=True, slots=True)
class Climbed:
    """What became of one incident.

    Attributes:
        asked: every question to a model, of all agents.
        diagnosis: how the cause was decided.
        plan: how it was decided what to do.
    """

    incident: Replayed
    asked: tuple[Asked, ...]
    cost_usd: float
    diagnosis: Climb[Diagnosis]
    plan: Climb[Plan]

    @property
    def right(self) -> bool:
        """Whether the service that stands at the end is the culprit, whoever gets to see it."""
        return self.incident.blames(self.diagnosis.result)

    @property
    def right_kind(self) -> bool:
        """Whether the kind of fault is right too, where the label knows it."""
        return self.incident.explains(self.diagnosis.result)

    @property
    def needed_model(self) -> bool:
        """Whether any agent asked one."""
        return bool(self.asked)

    @property
    def reached_frontier(self) -> bool:
        """Whether any agent asked the frontier."""
        return any(one.rung is Rung.FRONTIER for one in self.asked)

    @property
    def handed_over(self) -> bool:
        """Whether no rung was sure of the cause."""
        return self.diagnosis.rung is Rung.HUMAN

    @property
    def tokens(self) -> int:
        """Of all prompts and answers."""
        return sum(one.prompt_tokens + one.output_tokens for one in self.asked)


def named(diagnosis: Diagnosis) -> str:
    """The service that it names first; empty after an abstention."""
    return diagnosis.first.service if diagnosis.first else ""


async def put(incident: Replayed, seed: str, severity: Severity, *, stubborn: bool = False) -> Climbed:
    """The incident through triage, detection, diagnosis and planning, as the graph asks the agents."""
    draws = f"{seed}/{incident.name}"
    models = [ErringModel(rung, incident.truth, draws, stubborn) for rung in (Rung.LOCAL, Rung.FRONTIER)]
    view = incident.view
    asking = Asking(
        models={each.rung: each for each in models},
        incident_id="inc_bench",
        service=view.symptom,
        urgent=severity is Severity.CRITICAL,
    )
    clock = ManualClock(view.window.end)

    async def decide(spec: AgentSpec[In, Out], given: In) -> Climb[Out]:
        return await climb(spec, given, policy=POLICY, severity=severity, clock=clock, asking=asking)

    costs = []
    if view.symptom:
        alerted = TriageInput(alerts=_alerts(incident, severity), service=view.symptom, evidence=incident.evidence)
        costs.append((await decide(classifier.SPEC, alerted)).cost_usd)
    seen = AnomalyInput(view, incident.config, incident.evidence)
    found: Climb[Findings] = await decide(_remembered(anomaly.SPEC, incident.found), seen)
    suspected = RcaInput(view, found.result.findings, incident.config, evidence=incident.evidence)
    diagnosis = await decide(_remembered(rca.SPEC, incident.ranked), suspected)
    plan = await decide(healing.SPEC, healing_input(incident, diagnosis.result))
    costs += [found.cost_usd, diagnosis.cost_usd, plan.cost_usd]
    asked = tuple(one for model in models for one in model.asked)
    return Climbed(incident, asked, sum(costs), diagnosis, plan)


def healing_input(incident: Replayed, diagnosis: Diagnosis) -> HealingInput:
    """What may be done: every registered action on every service of the inventory or, without one, of the recording."""
    known = tuple(Service(name=name, kind=ServiceKind.STATELESS) for name in incident.services)
    return HealingInput(
        diagnosis=diagnosis,
        symptom=incident.view.symptom,
        services=incident.inventory or known,
        states=tuple(one.state for one in incident.view.states),
        options=action_options(),
        evidence=incident.evidence,
    )


def _remembered(spec: AgentSpec[In, Out], answer: Answer[Out]) -> AgentSpec[In, Out]:
    """The agent whose rules say again what they said of this incident."""

    async def said(given: In) -> Answer[Out]:
        return answer

    return replace(spec, rungs={**spec.rungs, Rung.RULES: said})


def _alerts(incident: Replayed, severity: Severity) -> tuple[Alert, ...]:
    """Those of then, or one on the symptom, as the recording names what hurts."""
    if incident.alerts:
        return tuple(each.model_copy(update={"severity": severity}) for each in incident.alerts)
    service = incident.view.symptom
    one = Alert(
        fingerprint=f"fp-{incident.name}",
        status=AlertStatus.FIRING,
        name="HighLatency",
        severity=severity,
        labels={"alertname": "HighLatency", "service": service},
        annotations={"summary": f"requests to {service} are slow"},
        starts_at=incident.view.window.start,
        source="bench",
        service=service,
    )
    return (one,)
