"""Diagnoses with labels: public incidents through the agents, and drills as `quell drill run --json` printed them."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from analysis.calibration.model import Outcome
from bench.calibration.hardships import AS_SEEN, HARDSHIPS
from bench.data import pack_folder
from bench.rca.case import DataSet, RcaCase
from bench.rca.case import Outcome as Replayed
from bench.rca.run import DATA_SETS, replay
from core.errors import InvalidInput
from core.models import FaultKind
from drills.results import Score, Scoreboard

DRILLS = "drills"
"""Folder beside the data packs with the output of `quell drill run --json`, one file a run; it may be missing."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What was said of one incident under one hardship.

    Attributes:
        system: data set that it is from.
        hardship: name of the `Hardship`.
        outcome: the first hypothesis and whether it named the right service; None where no cause was named, so that
            there is no probability to calibrate.
        false_alarm: whether it was called a false alarm, which none of them is.
    """

    system: str
    hardship: str
    outcome: Outcome | None
    false_alarm: bool = False


def answers(data: Path, packs: Sequence[str]) -> list[Answered]:
    """Every incident under every hardship; drills as they were.

    Raises:
        NotFound: a data pack is not there.
        InvalidInput: a file of drills is no scoreboard.
    """
    found: list[Answered] = []
    for name in packs:
        found += _of_pack(data, name) if name in DATA_SETS else _of_drills(data / DRILLS)
    return found


def _of_pack(data: Path, name: str) -> list[Answered]:
    data_set = cast(DataSet, importlib.import_module(DATA_SETS[name]))
    found = []
    for seed, case in enumerate(data_set.cases(pack_folder(data, name))):
        culprit = case.truth().service
        replayed = asyncio.run(replay([_hardened(case, culprit, seed)]))
        found += [_answered(each, name, culprit) for each in replayed]
    return found


def _answered(replayed: Replayed, name: str, culprit: str) -> Answered:
    first, features = replayed.diagnosis.first, replayed.diagnosis.features
    false_alarm = first is not None and first.kind is FaultKind.FALSE_ALARM
    outcome = None
    if first is not None and features:
        outcome = Outcome(features=features, right=first.service == culprit, system=name)
    return Answered(name, replayed.variant, outcome, false_alarm)


def _hardened(case: RcaCase, culprit: str, seed: int) -> RcaCase:
    """The case's first variant under every hardship; its view is built once."""
    view = next(iter(case.views.values()))()
    return replace(case, views={each.name: partial(each.change, view, culprit, seed) for each in HARDSHIPS})


def _of_drills(folder: Path) -> list[Answered]:
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            board = Scoreboard.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise InvalidInput(
                f"this is no output of `quell drill run --json`: {error.error_count()} fields are wrong",
                path=str(path),
                fix="write it again with this version, or remove it",
            ) from error
        found += [_drilled(score) for score in board.scores]
    return found


def _drilled(score: Score) -> Answered:
    """Either end of a slow way is the right service; the drill knows, its fault names only one."""
    cause, outcome = score.root_cause, None
    if cause is not None and cause.features:
        right = score.cause_right or cause.service == score.fault.service
        outcome = Outcome(features=cause.features, right=right, system=DRILLS)
    false_alarm = cause is not None and cause.kind is FaultKind.FALSE_ALARM
    return Answered(DRILLS, AS_SEEN, outcome, false_alarm)
