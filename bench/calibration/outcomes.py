"""Diagnoses with labels: public incidents through the agents, and drills as `quell drill run --json` printed them."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from analysis.calibration.model import Outcome
from bench.calibration.hardships import HARDSHIPS
from bench.data import pack_folder
from bench.rca.case import DataSet, RcaCase
from bench.rca.run import DATA_SETS, replay
from core.errors import InvalidInput
from drills.results import Scoreboard

DRILLS = "drills"
"""Folder beside the data packs with the output of `quell drill run --json`, one file a run; it may be missing."""


def outcomes(data: Path, packs: Sequence[str]) -> list[Outcome]:
    """Every first hypothesis and whether it named the right service, under every hardship.

    Raises:
        NotFound: a data pack is not there.
        InvalidInput: a file of drills is no scoreboard.
    """
    found: list[Outcome] = []
    for name in packs:
        found += _of_pack(data, name) if name in DATA_SETS else _of_drills(data / DRILLS)
    return found


def _of_pack(data: Path, name: str) -> list[Outcome]:
    data_set = cast(DataSet, importlib.import_module(DATA_SETS[name]))
    rows = []
    for seed, case in enumerate(data_set.cases(pack_folder(data, name))):
        culprit = case.truth().service
        for each in asyncio.run(replay([_hardened(case, culprit, seed)])):
            first = each.diagnosis.first
            if first is not None:
                rows.append(Outcome(features=each.diagnosis.features, right=first.service == culprit, system=name))
    return rows


def _hardened(case: RcaCase, culprit: str, seed: int) -> RcaCase:
    """The case's first variant under every hardship; its view is built once."""
    view = next(iter(case.views.values()))()
    return replace(case, views={each.name: partial(each.change, view, culprit, seed) for each in HARDSHIPS})


def _of_drills(folder: Path) -> list[Outcome]:
    rows = []
    for path in sorted(folder.glob("*.json")):
        try:
            board = Scoreboard.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise InvalidInput(
                f"this is no output of `quell drill run --json`: {error.error_count()} fields are wrong",
                path=str(path),
                fix="write it again with this version, or remove it",
            ) from error
        for score in board.scores:
            cause = score.root_cause
            if cause is not None and cause.features:
                right = cause.service == score.fault.service
                rows.append(Outcome(features=cause.features, right=right, system=DRILLS))
    return rows
