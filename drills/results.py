"""What a drill found out, and whether that is a pass: the record behind scoreboard, demo and benchmark."""

from __future__ import annotations

from pydantic import Field

from analysis.causes.families.edges import way
from core.models import Attempt, AttemptState, Diagnosis, FaultKind, Hypothesis, Incident, IncidentStatus, Model
from drills.scenario import Actions, Scenario


class Named(Model):
    """A fault: where, and of what kind."""

    service: str
    kind: FaultKind


class Cause(Named):
    """The cause that Quell named first."""

    confidence: float = Field(ge=0, le=1)
    evidence: tuple[str, ...] = Field(description="ids of the evidence that it cites")
    features: dict[str, float] = Field(default={}, description="what its confidence rests on")


class ActionTaken(Model):
    """One thing that Quell did."""

    action: str
    service: str
    parameters: dict[str, str] = {}
    state: AttemptState
    recovery: str = Field(default="", description="what its verification said; empty without one")
    undo: bool = Field(default=False, description="reversed an earlier action")


class Seconds(Model):
    """Elapsed times, measured by the drill; the first four count from the fault, null when it never happened."""

    detect: float | None = Field(description="until there was an incident")
    diagnose: float | None = Field(description="until a cause was named, or the diagnosis abstained")
    act: float | None = Field(description="until the first action had ended")
    recover: float | None = Field(description="until customers were served well again, for good")
    total: float = Field(description="of the whole drill, starting the shop included")


class Key(Model):
    """What counts as right, under the names of one run."""

    services: tuple[str, ...] = Field(description="any of them; the two ends where the fault is on the way between")
    kinds: tuple[FaultKind, ...] = Field(default=(), description="any of them; empty where none is known")
    component: str = Field(default="", description="the way that must be named too; empty for a fault of a service")

    def met_by(self, first: Hypothesis | None) -> bool:
        """Whether a hypothesis is the right answer."""
        if first is None or first.service not in self.services or (self.kinds and first.kind not in self.kinds):
            return False
        return not self.component or first.component == self.component


class Score(Model):
    """One scenario, run once."""

    scenario: str
    environment: str
    seed: int | None = Field(description="of the renaming; null when services were called by their roles")
    incident: str = Field(description="id; empty when Quell noticed nothing")
    outcome: str = Field(description="how the incident ended, in Quell's words")
    fault: Named
    key: Key | None = Field(default=None, description="what the cause was compared with")
    root_cause: Cause | None
    actions: tuple[ActionTaken, ...]
    cause_right: bool
    action_accepted: bool
    forbidden: tuple[str, ...] = Field(description="forbidden actions that were taken")
    innocents: tuple[str, ...] = Field(description="services without fault that were touched")
    false_alarms: int = Field(description="incidents before the fault")
    recovered: bool = Field(description="whether customers were served well at the end")
    recovery_expected: bool
    handed_over: bool = Field(description="whether a human got the incident")
    human_expected: bool
    seconds: Seconds
    rung: str
    cost_usd: float
    passed: bool = Field(
        description="right cause, right action, nothing else touched, a human told where one must be, "
        "and the shop as it should be"
    )


class DemoReport(Model):
    """What ``quell demo --json`` prints as its last line."""

    incident: str
    fault: Named
    root_cause: Cause | None
    actions: tuple[ActionTaken, ...]
    recovered: bool
    seconds: Seconds
    rung: str
    cost_usd: float

    @classmethod
    def of(cls, score: Score) -> DemoReport:
        """The part of a score that the demo shows."""
        return cls(**{name: getattr(score, name) for name in cls.model_fields})


class Scoreboard(Model):
    """What ``quell drill run --json`` prints."""

    passed: bool
    scores: tuple[Score, ...]


def cause_of(diagnosis: Diagnosis | None) -> Cause | None:
    """The first hypothesis, None after an abstention."""
    first = diagnosis.first if diagnosis else None
    if diagnosis is None or first is None:
        return None
    return Cause(
        service=first.service,
        kind=first.kind,
        confidence=first.probability,
        evidence=first.evidence_for,
        features=diagnosis.features,
    )


def taken(attempts: tuple[Attempt, ...]) -> tuple[ActionTaken, ...]:
    """What was really done, or may have been: reservations that never started and dry runs are left out."""
    return tuple(
        ActionTaken(
            action=attempt.proposal.action,
            service=attempt.proposal.service,
            parameters=attempt.proposal.parameters,
            state=attempt.state,
            recovery=attempt.verification.recovery.value if attempt.verification else "",
            undo=bool(attempt.undo_of),
        )
        for attempt in sorted(attempts, key=lambda attempt: attempt.reserved_at)
        if attempt.state is not AttemptState.RESERVED and not attempt.dry_run
    )


def accepted(actions: tuple[ActionTaken, ...], judged: Actions, target: str) -> bool:
    """Whether what was done to the target is what should have been done: something accepted, and nothing else."""
    done = [action.action for action in actions if action.service == target and not action.undo]
    return bool(done) == bool(judged.accepted) and set(done) <= set(judged.accepted)


def key_of(scenario: Scenario, expected: str, link: tuple[str, str] | None) -> Key:
    """What is right; of one slow way nobody can tell which end has the bad cable, so that either may be named."""
    services, component = ((expected,), "") if link is None else (link, way(*link))
    return Key(services=services, kinds=scenario.expected.kinds, component=component)


def score(
    scenario: Scenario,
    *,
    target: str,
    expected: str,
    environment: str,
    seed: int | None,
    incident: Incident | None,
    diagnosis: Diagnosis | None,
    attempts: tuple[Attempt, ...],
    changed: frozenset[str],
    false_alarms: int,
    recovered: bool,
    seconds: Seconds,
    link: tuple[str, str] | None = None,
) -> Score:
    """Judge one run.

    Args:
        target: name of the service that the fault was injected into.
        expected: name of the service that is the right answer.
        changed: services whose process or release is not the one from before the fault.
        link: names of caller and callee of the way that the fault is on; None for a fault of a service.
    """
    cause, actions = cause_of(diagnosis), taken(attempts)
    touched = changed | {action.service for action in actions}
    key = key_of(scenario, expected, link)
    cause_right = key.met_by(diagnosis.first if diagnosis else None)
    action_accepted = accepted(actions, scenario.actions, expected)
    forbidden = tuple(action.action for action in actions if action.action in scenario.actions.forbidden)
    innocents = tuple(sorted(touched - {target, expected}))
    handed_over = incident is not None and incident.status is IncidentStatus.ESCALATED
    clean = not (forbidden or innocents or false_alarms) and (handed_over or not scenario.expected.human)
    return Score(
        scenario=scenario.name,
        environment=environment,
        seed=seed,
        incident=incident.id if incident else "",
        outcome=incident.outcome if incident else "",
        fault=Named(service=target, kind=scenario.fault.kind),
        key=key,
        root_cause=cause,
        actions=actions,
        cause_right=cause_right,
        action_accepted=action_accepted,
        forbidden=forbidden,
        innocents=innocents,
        false_alarms=false_alarms,
        recovered=recovered,
        recovery_expected=scenario.expected.recovers,
        handed_over=handed_over,
        human_expected=scenario.expected.human,
        seconds=seconds,
        rung=incident.rung if incident else "",
        cost_usd=incident.cost_usd if incident else 0.0,
        passed=cause_right and action_accepted and clean and recovered == scenario.expected.recovers,
    )
