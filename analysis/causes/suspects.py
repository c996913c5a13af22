"""What each service could be guilty of: one rule a fault kind, each a plain function of the facts.

A suspicion is *explainable* when a broken callee would cause the same: such a suspicion gives way to what is found
further down the call path (`analysis.causes.ranking`). States, CPU and process exits do not travel upwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import inf

from analysis.causes.confidence import Clue, Family
from analysis.causes.facts import ServiceFacts, clue_of
from analysis.causes.fusion import Fused
from analysis.causes.signs import callers_wait, down, hot, surge
from analysis.causes.states import GONE
from analysis.changes.assess import best
from analysis.config import AnalysisConfig
from analysis.topology import Topology
from core.models import FaultKind, RunState, Signal


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One thing that one service could be guilty of.

    Attributes:
        component: metric, release or dependency that carries the fault.
        statement: one line for people.
        clues: what speaks for it.
        explainable: whether a broken callee would look the same.
    """

    service: str
    kind: FaultKind
    component: str
    statement: str
    clues: tuple[Clue, ...]
    explainable: bool

    @property
    def evidence(self) -> tuple[str, ...]:
        """Ids of what speaks for it, strongest clue first, each once."""
        clues = sorted(self.clues, key=lambda clue: -round(clue.strength, 6))
        return tuple(dict.fromkeys(name for clue in clues if clue.strength > 0 for name in clue.evidence))

    @property
    def onset(self) -> datetime | None:
        """When it began: the best known onset among its clues, the earliest of equally well known ones."""
        found = [clue.finding for clue in self.clues if clue.finding is not None]
        if not found:
            return min((clue.onset for clue in self.clues if clue.onset is not None), default=None)
        return min(found, key=lambda finding: (finding.onset_uncertainty_seconds, finding.onset)).onset

    @property
    def precedence(self) -> tuple[float, int]:
        """Sorts equally strong suspicions without a look at names: earlier onset, then more evidence, comes first."""
        return (self.onset.timestamp() if self.onset else inf, -len(self.evidence))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a rule may look at besides the service itself."""

    facts: dict[str, ServiceFacts]
    topology: Topology
    config: AnalysisConfig
    fused: dict[str, Fused] = field(default_factory=dict)


def suspect(facts: ServiceFacts, around: Surroundings) -> list[Suspicion]:
    """Every suspicion against one service: by rule, else by the marks of families, else by its bare symptom.

    What the families say adds to whatever a rule suspects.
    """
    fused = around.fused.get(facts.service)
    marked = fused.clues if fused else ()
    specific = [found for rule in _RULES if (found := rule(facts, around)) is not None]
    if specific:
        return [replace(one, clues=one.clues + marked) for one in specific]
    bare = _symptom_only(facts, around)
    if fused and (bare is None or any(mark.kind is not None for mark in fused.marks)):
        return [_by_marks(facts, fused)]
    return [replace(bare, clues=bare.clues + marked)] if bare else []


def _by_marks(facts: ServiceFacts, fused: Fused) -> Suspicion:
    """What the families say, named by the strongest mark that knows its kind."""
    known = [mark for mark in fused.marks if mark.kind is not None]
    telling = known[0] if known else fused.marks[0]
    return Suspicion(
        service=facts.service,
        kind=telling.kind or FaultKind.UNKNOWN,
        component=telling.component,
        statement=telling.statement,
        clues=(*fused.clues, *facts.symptom, *facts.logs),
        explainable=True,
    )


def _memory_limit(facts: ServiceFacts, around: Surroundings) -> Suspicion | None:
    """No process runs, because the kernel killed it at its limit of memory."""
    if facts.run_state not in GONE or not _out_of_memory(facts):
        return None
    grown = facts.of(Signal.MEMORY)
    memory = (clue_of(Family.RESOURCE, grown, around.config),) if grown else ()
    return Suspicion(
        service=facts.service,
        kind=FaultKind.MEMORY_LIMIT,
        component="memory",
        statement=f"{facts.service} reached its limit of memory and was killed",
        clues=_liveness(facts, around.config) + memory + facts.impact,
        explainable=False,
    )


def _crash(facts: ServiceFacts, around: Surroundings) -> Suspicion | None:
    """No process runs; or it is down, nobody can look at the process, and its callers fail without waiting."""
    if _out_of_memory(facts):
        return None
    gone = facts.run_state in GONE
    if not gone and not (
        down(facts) and facts.run_state is RunState.UNKNOWN and not callers_wait(facts, around.facts, around.topology)
    ):
        return None
    state = facts.state.state if gone and facts.state else None
    how = "is down" if state is None else f"has no running process: {state.state.value}"
    code = "" if state is None or state.exit_code is None else f" with exit code {state.exit_code}"
    return Suspicion(
        service=facts.service,
        kind=FaultKind.CRASH,
        component=state.state.value if state else "up",
        statement=f"{facts.service} {how}{code}",
        clues=_liveness(facts, around.config) + facts.impact,
        explainable=False,
    )


def _hang(facts: ServiceFacts, around: Surroundings) -> Suspicion | None:
    """The process is suspended; or it is there but answers nobody, and does not compute either."""
    suspended = facts.run_state is RunState.SUSPENDED
    there = facts.run_state is RunState.RUNNING and not facts.answers
    unseen = facts.run_state is RunState.UNKNOWN and callers_wait(facts, around.facts, around.topology)
    if not suspended and not (down(facts) and (there or unseen) and not hot(facts, around.config)):
        return None
    how = "process is suspended" if suspended else "does not answer, and does not use CPU either"
    return Suspicion(
        service=facts.service,
        kind=FaultKind.HANG,
        component="suspended" if suspended else "up",
        statement=f"{facts.service} {how}",
        clues=_liveness(facts, around.config) + facts.impact,
        explainable=not suspended,
    )


def _cpu_saturation(facts: ServiceFacts, around: Surroundings) -> Suspicion | None:
    """The process burns CPU far above its usual."""
    burning = hot(facts, around.config)
    if burning is None or facts.halted:
        return None
    clues = (clue_of(Family.RESOURCE, burning, around.config), *_liveness(facts, around.config), *facts.symptom)
    return Suspicion(
        service=facts.service,
        kind=FaultKind.CPU_SATURATION,
        component=burning.metric,
        statement=f"{facts.service} burns CPU: {burning.current or 0:g} cores, usually {burning.baseline or 0:g}",
        clues=clues + facts.logs + facts.impact,
        explainable=False,
    )


def _bad_change(facts: ServiceFacts, around: Surroundings) -> Suspicion | None:
    """The service itself suffers since a change that explains it: errors, latency or log lines after it, not before."""
    symptoms = [clue for clue in facts.symptom + facts.logs if clue.weight > 0]
    culprit = best(facts.changes)
    if facts.halted or not symptoms or culprit is None:
        return None
    change = culprit.effective
    return Suspicion(
        service=facts.service,
        kind=culprit.kind,
        component=change.name,
        statement=f"{facts.service} fails since {change.label}: {culprit.reason}",
        clues=(Clue(Family.CHANGE, culprit.weight, change.evidence), *facts.symptom, *facts.logs, *facts.impact),
        explainable=True,
    )


def _traffic_surge(facts: ServiceFacts, around: Surroundings) -> Suspicion | None:
    """Far more requests than usual enter here, and something suffers from them."""
    risen = surge(facts)
    callers = [around.facts[name] for name in around.topology.callers(facts.service)]
    if risen is None or not facts.symptom or any(surge(caller) for caller in callers):
        return None
    return Suspicion(
        service=facts.service,
        kind=FaultKind.TRAFFIC_SURGE,
        component=risen.metric,
        statement=f"{facts.service} gets {risen.current or 0:g} requests/s, usually {risen.baseline or 0:g}",
        clues=(clue_of(Family.RESOURCE, risen, around.config), *facts.symptom, *facts.impact),
        explainable=True,
    )


_RULES: tuple[Callable[[ServiceFacts, Surroundings], Suspicion | None], ...] = (
    _memory_limit,
    _crash,
    _hang,
    _cpu_saturation,
    _bad_change,
    _traffic_surge,
)


def _symptom_only(facts: ServiceFacts, around: Surroundings) -> Suspicion | None:
    """The service suffers and nothing says why: perhaps from a dependency that nobody observes.

    That its callers suffer too says nothing more: everything on the way to the cause looks like that.
    """
    health = facts.of(Signal.STATE)
    own = facts.symptom + ((clue_of(Family.SYMPTOM, health, around.config),) if health else ())
    if not own and not facts.logs:
        return None
    blind = [name for name in around.topology.callees(facts.service) if not around.facts[name].observed]
    failing = facts.of(Signal.ERRORS) is not None
    kind = FaultKind.UNKNOWN
    if blind and own:
        kind = FaultKind.DEPENDENCY_DOWN if failing else FaultKind.DEPENDENCY_SLOW
    component = blind[0] if len(blind) == 1 else ""
    culprit = f" because of {component or 'a dependency'}, which is not observed" if blind else ", and nothing says why"
    return Suspicion(
        service=facts.service,
        kind=kind,
        component=component,
        statement=f"{facts.service} {'fails' if failing else 'suffers'}{culprit}",
        clues=own + facts.logs,
        explainable=True,
    )


def _out_of_memory(facts: ServiceFacts) -> bool:
    return facts.state is not None and facts.state.state.out_of_memory


def _liveness(facts: ServiceFacts, config: AnalysisConfig) -> tuple[Clue, ...]:
    """Clues that the service does not answer: its process state, its `up`, or the end of all its samples."""
    clues = []
    state = facts.of(Signal.STATE)
    if state is not None:
        clues.append(clue_of(Family.STATE if facts.halted else Family.SYMPTOM, state, config))
    silent = down(facts)
    if silent is not None:
        clues.append(clue_of(Family.LIVENESS, silent, config))
    return tuple(clues)
