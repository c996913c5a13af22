"""What each service could be guilty of: one rule a fault kind, each a plain function of the facts.

A suspicion is *explainable* when a broken callee would cause the same: such a suspicion gives way to what is found
further down the call path (`analysis.causes.blame`). States, CPU and process exits do not travel upwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from analysis.causes.confidence import Clue, Family
from analysis.causes.facts import ServiceFacts, clue_of
from analysis.causes.signs import callers_wait, down, hot, surge, swollen
from analysis.causes.states import GONE
from analysis.causes.suspicion import Surroundings, Suspicion
from analysis.changes.assess import best
from analysis.config import AnalysisConfig
from analysis.rounding import significant
from core.models import FaultKind, RunState, Signal

MEBIBYTE = 2**20


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
    if burning is None or facts.halted or swollen(facts):
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


def _memory_growth(facts: ServiceFacts, around: Surroundings) -> Suspicion | None:
    """The process takes far more memory than usual. That costs CPU too; burning CPU takes no memory.

    Memory hurts nobody by itself: without a sign that somebody suffers it counts half.
    """
    grown = swollen(facts)
    if grown is None or facts.halted:
        return None
    burning = hot(facts, around.config)
    memory = clue_of(Family.RESOURCE, grown, around.config)
    if burning is None and not facts.symptom and not facts.logs:
        memory = replace(memory, weight=memory.weight / 2)
    cpu = (clue_of(Family.RESOURCE, burning, around.config),) if burning else ()
    now, usual = ((grown.current or 0.0) / MEBIBYTE, (grown.baseline or 0.0) / MEBIBYTE)
    return Suspicion(
        service=facts.service,
        kind=FaultKind.MEMORY_LEAK,
        component=grown.metric,
        statement=f"{facts.service} takes {significant(now):g} MiB, usually {significant(usual):g}",
        clues=(memory, *cpu, *_liveness(facts, around.config), *facts.symptom, *facts.logs, *facts.impact),
        explainable=False,
    )


def _bad_change(facts: ServiceFacts, around: Surroundings) -> Suspicion | None:
    """The service itself suffers since a change that explains it: errors, latency or log lines after it, not before.

    Of a service that nobody observes, what its callers suffer counts, if the diff of the change explains that.
    """
    unseen = not facts.observed and not facts.logs
    symptoms = [clue for clue in (facts.impact if unseen else facts.symptom + facts.logs) if clue.weight > 0]
    culprit = best(one for one in facts.changes if one.documented or not unseen)
    if facts.halted or not symptoms or culprit is None:
        return None
    change = culprit.effective
    return Suspicion(
        service=facts.service,
        kind=culprit.kind,
        component=change.name,
        statement=f"{f'what calls {facts.service}' if unseen else facts.service} fails since "
        f"{change.label}: {culprit.reason}",
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
        explainable=False,
    )


RULES: tuple[Callable[[ServiceFacts, Surroundings], Suspicion | None], ...] = (
    _memory_limit,
    _crash,
    _hang,
    _cpu_saturation,
    _memory_growth,
    _bad_change,
    _traffic_surge,
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
