"""`quell bench calibration`: expected calibration error and Brier skill, each system by a fit that never saw it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.calibration.fitting import fit
from analysis.calibration.measuring import as_right, held_out, quality
from analysis.calibration.model import Outcome, Quality
from analysis.calibration.shipped import shipped
from bench.calibration.hardships import HARDSHIPS
from bench.calibration.outcomes import DRILLS, Answered, answers
from bench.rca.run import DATA_SETS
from bench.result import BenchOptions, BenchResult, Case, Figure, Peer, figure
from core.errors import NotFound
from core.frames import Floats

PACKS = (*DATA_SETS, DRILLS)


def run(options: BenchOptions) -> BenchResult:
    """Measure the shipped features under leave-one-system-out, and the shipped fit itself beside it.

    Raises:
        NotFound: a data pack is not there, or no cause was named in any.
        InvalidInput: a file of drills is no scoreboard.
    """
    said_of = answers(options.data, options.packs or PACKS)
    known, hardships = _judged(said_of)
    unseen = held_out(known)
    right = as_right(known)
    figures = _figures("held_out", quality(unseen, right), target=True)
    for system in dict.fromkeys(one.system for one in known):
        here = np.array([one.system == system for one in known])
        figures += _figures(f"held_out.{system}", quality(unseen[here], right[here]))
    for hardship in HARDSHIPS:
        here = np.array([one == hardship.name for one in hardships])
        figures += _of_hardship(hardship.name, said_of, unseen[here], right[here])
    counted = shipped()
    said = np.array([counted.probability(one.features) for one in known])
    figures += _figures("shipped_in_sample", quality(said, right))
    return BenchResult(
        name="calibration",
        figures=tuple(figures),
        cases=tuple(_cases(known, hardships, unseen)) if options.with_cases else (),
        peers=(_uncalibrated(known, right), _base_rate(known, right)) if options.with_peers else (),
    )


def fitted(options: BenchOptions) -> str:
    """The fit on everything, as the JSON that ships."""
    known, _ = _judged(answers(options.data, options.packs or PACKS))
    return fit(known, "shipped").model_dump_json(indent=1)


def _judged(said_of: Sequence[Answered]) -> tuple[list[Outcome], list[str]]:
    """The outcomes, and the hardship of each; answers without a cause are left out.

    Raises:
        NotFound: none names a cause.
    """
    judged = [(one.outcome, one.hardship) for one in said_of if one.outcome is not None]
    if not judged:
        raise NotFound(
            "no diagnosis names a cause, so there is no probability to measure",
            fix=f"measure another pack, or put the output of `quell drill run --all --json` into {DRILLS}/",
        )
    return [outcome for outcome, _ in judged], [hardship for _, hardship in judged]


def _figures(name: str, found: Quality, *, target: bool = False) -> list[Figure]:
    interval = f"90% interval {found.ece_low:g} to {found.ece_high:g}; {found.outcomes} outcomes"
    floor, aim = (0.10, 0.07) if target else (None, None)
    return [
        figure(f"{name}.ece", found.ece, floor=floor, aim=aim, lower_is_better=True, note=interval),
        figure(f"{name}.brier_skill", found.skill, floor=0.0 if target else None, note=f"brier {found.brier:g}"),
        figure(f"{name}.right", found.base_rate, note="share of first hypotheses that name the right service"),
    ]


def _of_hardship(name: str, said_of: Sequence[Answered], unseen: Floats, right: Floats) -> list[Figure]:
    """What became of every view of one hardship: how many named a cause, how sure, how often right."""
    here = [one for one in said_of if one.hardship == name]
    if not here:
        return []
    alarms = sum(one.false_alarm for one in here)
    shares = {"right": right, "said": unseen}
    return [
        figure(f"{name}.named", right.size / len(here), note=f"of {len(here)} views; {alarms} called a false alarm"),
        *(figure(f"{name}.{key}", float(values.mean()) if values.size else None) for key, values in shares.items()),
    ]


def _cases(known: list[Outcome], hardships: Sequence[str], unseen: Floats) -> list[Case]:
    return [
        Case(
            name=f"{index} [{hardship}]",
            group=outcome.system,
            answer=f"{probability:.3f}",
            score=float(outcome.right),
            detail={name: f"{value:g}" for name, value in outcome.features.items()},
        )
        for index, (outcome, hardship, probability) in enumerate(zip(known, hardships, unseen, strict=True))
    ]


def _uncalibrated(known: list[Outcome], right: Floats) -> Peer:
    """The strength of the evidence taken as a probability."""
    found = quality(np.array([one.features["score"] for one in known]), right)
    return Peer(name="uncalibrated score", source="noisy-or of the families", figures=tuple(_figures("score", found)))


def _base_rate(known: list[Outcome], right: Floats) -> Peer:
    """Always the share that was right in the other systems."""
    said = np.empty(right.size)
    for system in dict.fromkeys(one.system for one in known):
        here = np.array([one.system == system for one in known])
        said[here] = right[~here].mean() if (~here).any() else 0.5
    return Peer(name="base rate", source="of the other systems", figures=tuple(_figures("base", quality(said, right))))
