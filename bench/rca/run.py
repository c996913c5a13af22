"""`quell bench rca`: every case through the agents as production runs them, scored a data set at a time."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from typing import cast

from agents.anomaly import find
from agents.models import AnomalyInput, RcaInput
from agents.rca import diagnose
from bench.data import pack_folder
from bench.rca.case import DataSet, Outcome, RcaCase
from bench.result import BenchOptions, BenchResult, Case, Figure, Peer

DATA_SETS: dict[str, str] = {
    "nezha": "bench.rca.nezha",
    "petshop": "bench.rca.petshop",
    "sockshop": "bench.rca.sockshop",
    "rootcausebench": "bench.rca.rootcausebench",
}
"""Data pack -> module that is a `DataSet`; the only place of registration."""


def run(options: BenchOptions) -> BenchResult:
    """Measure the chosen data sets.

    Raises:
        NotFound: a data pack is not there.
    """
    figures: list[Figure] = []
    listed: list[Case] = []
    peers: list[Peer] = []
    for name in options.packs or tuple(DATA_SETS):
        data_set = cast(DataSet, importlib.import_module(DATA_SETS[name]))
        cases = data_set.cases(pack_folder(options.data, name))
        found, results = data_set.score(asyncio.run(replay(cases)))
        figures += found
        listed += results if options.with_cases else []
        peers += data_set.peers(cases) if options.with_peers else []
    return BenchResult(name="rca", figures=tuple(figures), cases=tuple(listed), peers=tuple(peers))


async def replay(cases: Sequence[RcaCase]) -> list[Outcome]:
    """Every variant of every case through the anomaly and the root cause agent, one after the other."""
    outcomes = []
    for case in cases:
        for variant, build in case.views.items():
            view = build()
            found = await find(AnomalyInput(view, case.config))
            findings = found.result.findings
            answer = await diagnose(RcaInput(view, findings, case.config))
            outcomes.append(Outcome(case, variant, view, findings, answer.result))
    return outcomes
