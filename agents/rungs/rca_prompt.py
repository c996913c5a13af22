"""The prompt of the root cause agent: thresholds and log templates side by side, findings, candidates, closed lists."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from agents.models import RcaInput
from agents.rungs.showing import NONE, Showing, clock, crossed, ids, templates_of
from core.models import Diagnosis, FaultKind, Finding, LogChange, RunState

KINDS = tuple(kind.value for kind in FaultKind if kind not in {FaultKind.UNKNOWN, FaultKind.FALSE_ALARM})
"""What a model may name; that it does not know, it says by naming nothing."""

MAX_SERVICES = 15
TABLE_TOKENS, STATE_TOKENS, FINDING_TOKENS, CANDIDATE_TOKENS = 1_400, 450, 700, 500
TEMPLATES_OF_A_SERVICE = 4


def suspects(given: RcaInput, rules: Diagnosis | None) -> tuple[str, ...]:
    """Services that may be named: those that the rules suspect, then those with findings."""
    names = [one.service for one in rules.hypotheses] if rules else []
    names += [finding.service for finding in given.findings]
    return tuple(dict.fromkeys(name for name in names if name))[:MAX_SERVICES]


def services(given: RcaInput) -> frozenset[str]:
    """All that the prompt tells of: what was measured, and the neighbours that the topology names."""
    view = given.view
    measured = {frame.service for frame in view.signals} | {frame.service for frame in view.logs}
    measured |= {each.state.service for each in view.states}
    named = {one for caller, callees in view.dependencies.items() for one in (caller, *callees)}
    return frozenset({*measured, *named, view.symptom, *(each.change.service for each in view.changes)})


def variables(given: RcaInput, rules: Diagnosis | None, showing: Showing) -> dict[str, str]:
    """Of the prompt."""
    window, view = given.view.window, given.view
    names = suspects(given, rules)
    callers = sorted(view.dependencies, key=lambda one: one not in names)
    calls = (
        f"{showing.line(caller, 60)} -> {showing.names(view.dependencies[caller], 120)}"
        for caller in callers
        if view.dependencies[caller]
    )
    return {
        "symptom": showing.line(view.symptom, 80) or "(not known)",
        "window": f"{clock(window.start)} to {clock(window.end)} UTC",
        "topology": showing.block(calls, 350, "callers"),
        "side_by_side": showing.block(_side_by_side(given, names, showing), TABLE_TOKENS),
        "states": showing.block(_states(given, showing), STATE_TOKENS, "states and changes"),
        "findings": showing.findings(given.findings, FINDING_TOKENS),
        "candidates": showing.block(_candidates(rules, showing), CANDIDATE_TOKENS, "candidates") if rules else NONE,
        "kinds": ", ".join(KINDS),
        "services": showing.names(names),
    }


def _side_by_side(given: RcaInput, names: tuple[str, ...], showing: Showing) -> Iterator[str]:
    """For each service what it crossed, beside what it logs."""
    yield "service | crossed thresholds | log templates"
    for name in names:
        levels = [_level(finding, given) for finding in given.findings if finding.service == name]
        templates = [
            showing.template(row, identity)
            for row, identity in templates_of(given.evidence, name)
            if row.change is not LogChange.STEADY
        ]
        pairs = zip_longest([one for one in levels if one], templates[:TEMPLATES_OF_A_SERVICE], fillvalue="-")
        for level, template in pairs:
            yield f"{showing.line(name, 60)} | {level} | {template}"


def _level(finding: Finding, given: RcaInput) -> str:
    text = crossed(finding, given.config.robust_z)
    return f"{text} {ids(finding.evidence)}" if text else ""


def _states(given: RcaInput, showing: Showing) -> Iterator[str]:
    """Changes, then what the actuators see."""
    for each in sorted(given.view.changes, key=lambda one: one.change.at, reverse=True):
        change = each.change
        what = " ".join(filter(None, (change.kind, change.before, "->" if change.after else "", change.after)))
        yield f"{showing.line(change.service, 60)} {showing.line(what)} at {clock(change.at)} [{each.evidence}]"
    well = RunState.RUNNING
    for view in sorted(given.view.states, key=lambda one: one.state.state is well and one.state.healthy is not False):
        state = view.state
        ended = "" if state.exit_code is None else f", exit code {state.exit_code}"
        check = ", fails its health check" if state.healthy is False else ""
        yield f"{showing.line(state.service, 60)} is {state.state}{ended}{check} [{view.evidence}]"


def _candidates(rules: Diagnosis, showing: Showing) -> Iterator[str]:
    if rules.first is None:
        yield showing.line(f"none: {rules.abstained}")
    yield from (
        f"{showing.line(one.service, 60)} {one.kind} {one.probability:.2f}: {showing.line(one.statement)}"
        f" {ids(one.evidence_for)}"
        for one in rules.hypotheses
    )
