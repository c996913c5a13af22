"""`quell bench calibration`: expected calibration error and Brier skill, each system by a fit that never saw it."""

from __future__ import annotations

import numpy as np

from analysis.calibration.fitting import fit
from analysis.calibration.measuring import as_right, held_out, quality
from analysis.calibration.model import Outcome, Quality
from analysis.calibration.shipped import shipped
from bench.calibration.outcomes import DRILLS, outcomes
from bench.rca.run import DATA_SETS
from bench.result import BenchOptions, BenchResult, Case, Figure, Peer, figure
from core.frames import Floats

PACKS = (*DATA_SETS, DRILLS)


def run(options: BenchOptions) -> BenchResult:
    """Measure the shipped features under leave-one-system-out, and the shipped fit itself beside it.

    Raises:
        NotFound: a data pack is not there.
    """
    known = outcomes(options.data, options.packs or PACKS)
    unseen = held_out(known)
    right = as_right(known)
    figures = _figures("held_out", quality(unseen, right), target=True)
    for system in dict.fromkeys(one.system for one in known):
        here = np.array([one.system == system for one in known])
        figures += _figures(f"held_out.{system}", quality(unseen[here], right[here]))
    counted = shipped()
    said = np.array([counted.probability(one.features) for one in known])
    figures += _figures("shipped_in_sample", quality(said, right))
    return BenchResult(
        name="calibration",
        figures=tuple(figures),
        cases=tuple(_cases(known, unseen)) if options.with_cases else (),
        peers=(_uncalibrated(known, right), _base_rate(known, right)) if options.with_peers else (),
    )


def fitted(options: BenchOptions) -> str:
    """The fit on everything, as the JSON that ships."""
    return fit(outcomes(options.data, options.packs or PACKS), "shipped").model_dump_json(indent=1)


def _figures(name: str, found: Quality, *, target: bool = False) -> list[Figure]:
    interval = f"90% interval {found.ece_low:g} to {found.ece_high:g}; {found.outcomes} outcomes"
    floor, aim = (0.10, 0.07) if target else (None, None)
    return [
        figure(f"{name}.ece", found.ece, floor=floor, aim=aim, lower_is_better=True, note=interval),
        figure(f"{name}.brier_skill", found.skill, floor=0.0 if target else None, note=f"brier {found.brier:g}"),
        figure(f"{name}.right", found.base_rate, note="share of first hypotheses that name the right service"),
    ]


def _cases(known: list[Outcome], unseen: Floats) -> list[Case]:
    return [
        Case(
            name=str(index),
            group=outcome.system,
            answer=f"{probability:.3f}",
            score=float(outcome.right),
            detail={name: f"{value:g}" for name, value in outcome.features.items()},
        )
        for index, (outcome, probability) in enumerate(zip(known, unseen, strict=True))
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
