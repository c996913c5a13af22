"""`quell bench ladder`: what the ladder makes of models that are wrong in 30% of their answers, and its matrix.

Recorded public incidents and drills go through every agent with scripted models (`bench.ladder.erring`), several times
with other draws. The floors hold for the recordings as they are; models that never change their mind, critical
severity, where more is asked, and poorer telemetry, where the rules are often wrong, are shown beside them.
"""

from __future__ import annotations

import asyncio
import random
import statistics
from collections.abc import Sequence

from agents.models import RcaInput
from agents.rungs.rca_prompt import suspects
from bench.calibration.hardships import AS_SEEN
from bench.ladder.climbing import Climbed, named, put
from bench.ladder.drilled import DRILLS, drilled
from bench.ladder.erring import Mood, drawn_mood, named_service
from bench.ladder.incidents import Replayed, replayed
from bench.ladder.matrix import Row, cells, run_matrix
from bench.result import BenchOptions, BenchResult, Case, Figure, Peer, figure
from core.errors import NotFound
from core.models import Severity

PACKS = ("petshop", "sockshop", "rootcausebench", DRILLS)
REPEATS = 10
"""Draws of the error model for each recording as it is; poorer views and critical severity get `FEWER`."""

FEWER = 3
SPARED_NEEDING, SPARED_ALL, COST_USD = 0.80, 0.90, 0.10
LARGEST_TOKENS, INVESTIGATION_TOKENS = 6_000, 12_000


def run(options: BenchOptions) -> BenchResult:
    """Climb with every incident, and walk the matrix.

    Raises:
        NotFound: a data pack that was asked for is not there.
        BundleError, InvalidInput: a drill's bundle cannot be read.
    """
    incidents, missing = _incidents(options)
    seen = [one for one in incidents if one.hardship == AS_SEEN]
    whole = asyncio.run(_all(seen, None, REPEATS))
    warned = [one for one in whole if one.incident.severity is Severity.WARNING]
    worse = [one for one in seen if one.severity is not Severity.WARNING]
    warned += asyncio.run(_all(worse, Severity.WARNING, REPEATS))
    stubborn = asyncio.run(_all(seen, None, REPEATS, stubborn=True))
    critical = asyncio.run(_all(seen, Severity.CRITICAL, FEWER))
    harder = asyncio.run(_all([one for one in incidents if one.hardship != AS_SEEN], None, FEWER))
    rows = asyncio.run(run_matrix(cells()))
    figures = [*_headline(whole), *_spending([*whole, *stubborn, *critical, *harder]), *missing]
    for system in dict.fromkeys(one.system for one in seen):
        figures += _shares(system, [one for one in whole if one.incident.system == system])
    figures += _shares("warnings", warned) + _shares("stubborn", stubborn) + _shares("critical", critical)
    for hardship in dict.fromkeys(one.incident.hardship for one in harder):
        figures += _shares(hardship, [one for one in harder if one.incident.hardship == hardship])
    return BenchResult(
        name="ladder",
        figures=tuple(figures),
        cases=(*(_row(row) for row in rows), *(map(_case, whole) if options.with_cases else ())),
        peers=(_rules_alone(seen), _model_alone(seen)) if options.with_peers else (),
    )


def _incidents(options: BenchOptions) -> tuple[list[Replayed], list[Figure]]:
    """Of the packs that were asked for, or of all that are there; and what could not be measured."""
    found: list[Replayed] = []
    missing: list[Figure] = []
    for pack in options.packs or PACKS:
        try:
            found += drilled(options.data) if pack == DRILLS else replayed(options.data, pack)
        except NotFound as error:
            if options.packs:
                raise
            missing.append(figure(f"{pack}.accuracy", None, note=str(error)))
    return found, missing


async def _all(
    incidents: Sequence[Replayed], severity: Severity | None, repeats: int, *, stubborn: bool = False
) -> list[Climbed]:
    """Each incident several times; without a severity each by its own."""
    return [
        await put(one, str(seed), severity or one.severity, stubborn=stubborn)
        for seed in range(repeats)
        for one in incidents
    ]


def _headline(climbed: Sequence[Climbed]) -> list[Figure]:
    needing = [one for one in climbed if one.needed_model]
    rules = _share([_rules_right(one.incident) for one in climbed])
    times = f"{len(climbed)} climbs: every incident {REPEATS} times"
    return [
        figure("ladder.accuracy", _share([one.right for one in climbed]), floor=rules, note=f"floor: rules; {times}"),
        figure(
            "ladder.spared_of_those_needing_a_model",
            _share([not one.reached_frontier for one in needing]),
            floor=SPARED_NEEDING,
            note=f"never reach the frontier; {len(needing)} asked a model",
        ),
        figure("ladder.spared_of_all", _share([not one.reached_frontier for one in climbed]), floor=SPARED_ALL),
    ]


def _spending(climbed: Sequence[Climbed]) -> list[Figure]:
    """Bounds on every incident, the poorer and the critical ones included."""
    asked = [one.tokens for one in climbed if one.needed_model]
    return [
        figure(
            "ladder.largest_cost",
            max((one.cost_usd for one in climbed), default=0.0),
            "USD",
            floor=COST_USD,
            lower_is_better=True,
            note="of an incident, at list prices of gpt-4o, counted by o200k",
        ),
        figure(
            "ladder.largest_prompt",
            max((each.prompt_tokens for one in climbed for each in one.asked), default=0),
            "tokens",
            floor=LARGEST_TOKENS,
            lower_is_better=True,
        ),
        figure(
            "ladder.median_investigation",
            statistics.median(asked) if asked else None,
            "tokens",
            floor=INVESTIGATION_TOKENS,
            lower_is_better=True,
            note="of those that asked a model, prompts and answers of both rungs",
        ),
    ]


def _shares(name: str, climbed: Sequence[Climbed]) -> list[Figure]:
    """What became of a group, without floors."""
    needing = [one for one in climbed if one.needed_model]
    alone = [one for one in climbed if not one.handed_over]
    known = [one for one in climbed if one.incident.truth.kinds]
    shares = [
        figure(f"{name}.accuracy", _share([one.right for one in climbed])),
        figure(f"{name}.rules", _share([_rules_right(one.incident) for one in climbed])),
        figure(f"{name}.asked_a_model", _share([one.needed_model for one in climbed])),
        figure(f"{name}.spared_of_those", _share([not one.reached_frontier for one in needing])),
        figure(f"{name}.to_a_human", _share([one.handed_over for one in climbed])),
        figure(f"{name}.right_of_the_rest", _share([one.right for one in alone]), note="no human was asked"),
    ]
    if known:
        by_rules = _share([one.incident.explains(one.incident.ranked.result) for one in known])
        note = f"service and kind of fault, where the label knows it: {len(known)} climbs"
        shares.append(figure(f"{name}.with_kind", _share([one.right_kind for one in known]), note=note))
        shares.append(figure(f"{name}.rules_with_kind", by_rules))
    return shares


def _rules_alone(incidents: Sequence[Replayed]) -> Peer:
    found = figure("accuracy", _share([_rules_right(one) for one in incidents]))
    return Peer(name="rules alone", source="no model configured", figures=(found,))


def _model_alone(incidents: Sequence[Replayed]) -> Peer:
    """The raw answer of the error model, taken as it comes, wherever there is anything that it may name."""
    right, oversure, total = 0, 0, 0
    for seed in range(REPEATS):
        for one in incidents:
            draws = random.Random(f"alone/{seed}/{one.name}")
            mood = drawn_mood(draws)
            allowed = suspects(RcaInput(one.view, one.findings, one.config), one.ranked.result)
            right += named_service(allowed, one.truth, right=mood is Mood.RIGHT, draws=draws) in one.truth.services
            oversure += mood is Mood.OVERCONFIDENT
            total += 1
    found = (figure("accuracy", right / total), figure("overconfident", oversure / total, note="wrong, and sure of it"))
    return Peer(name="the model alone", source="the error model's own answer", figures=found)


def _rules_right(incident: Replayed) -> bool:
    return incident.blames(incident.ranked.result)


def _share(right: Sequence[bool]) -> float | None:
    return sum(right) / len(right) if right else None


def _row(row: Row) -> Case:
    """A row of the matrix."""
    steps = ", ".join(f"{from_rung} -> {to_rung} ({reason})" for from_rung, to_rung, reason in row.steps)
    return Case(
        name=f"rules {row.cell.rules}, local {row.cell.local}, frontier {row.cell.frontier}",
        group="matrix",
        answer=f"{row.ended}: {row.cause}; {row.status}",
        detail={
            "asked": ", ".join(row.asked),
            "steps": steps,
            "acted": ", ".join(row.acted),
            "cost_usd": f"{row.cost_usd:g}",
        },
    )


def _case(one: Climbed) -> Case:
    """An incident with one draw."""
    steps = [f"{step.from_rung} -> {step.to_rung} ({step.reason})" for step in one.diagnosis.escalations]
    asked = [f"{each.rung} {each.task} {each.mood}" for each in one.asked]
    return Case(
        name=one.incident.name,
        group=one.incident.system,
        expected=one.incident.label,
        answer=f"{named(one.diagnosis.result)} ({one.diagnosis.rung} {one.diagnosis.confidence:g})",
        score=float(one.right),
        detail={"steps": ", ".join(steps), "asked": ", ".join(asked), "cost_usd": f"{one.cost_usd:.6f}"},
    )
