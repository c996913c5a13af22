"""`quell bench logs`: grouping accuracy by system with one configuration, and lines per second."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import fmean

from analysis.logs.miner import Miner
from bench.data import pack_folder
from bench.logs.drain3_peer import PeerRun, run_drain3
from bench.logs.grouping import emitted, grouping_accuracy, groups
from bench.logs.leave_one_out import leave_one_out
from bench.logs.loghub import LabelledLog, load, redrawn
from bench.result import BenchOptions, BenchResult, Case, Figure, Peer, figure
from core.errors import SourceUnavailable

PACK = "loghub2k"
ENVIRONMENTS = Path(".cache/quell/peers")


def run(options: BenchOptions) -> BenchResult:
    """Measure on loghub's systems; with peers, drain3 on the same lines and the choice made without each system.

    Raises:
        NotFound: the pack is not there.
        InvalidInput: the pack holds no system.
    """
    logs = load(pack_folder(options.data, PACK))
    given = {log.system: emitted(log.lines) for log in logs}
    stream = redrawn(logs)
    rate = len(stream) / _seconds(stream)
    figures = [*_accuracy(logs, given, targets=True), figure("logs.lines_per_second", rate, "lines/s")]
    peers: tuple[Peer, ...] = ()
    if options.with_peers:
        figures.append(_left_out(logs))
        peer, ratio = _drain3(logs, stream, rate)
        figures.append(ratio)
        peers = (peer,)
    cases = tuple(case for log in logs for case in _cases(log, given[log.system])) if options.with_cases else ()
    return BenchResult(name="logs", figures=tuple(figures), cases=cases, peers=peers)


def _accuracy(logs: list[LabelledLog], given: dict[str, list[int]], *, targets: bool) -> list[Figure]:
    """The mean over systems, then each system."""
    scores = {log.system: grouping_accuracy(log.templates, given[log.system]) for log in logs}
    mean = fmean(scores.values())
    pooled = (
        figure("logs.grouping_accuracy", mean, floor=0.90, aim=0.95)
        if targets
        else figure("logs.grouping_accuracy", mean)
    )
    return [pooled, *(figure(f"logs.grouping_accuracy.{system.lower()}", score) for system, score in scores.items())]


def _seconds(stream: list[str]) -> float:
    """Processor time of one pass with a miner that has seen nothing."""
    miner = Miner()
    started = time.process_time()
    for line in stream:
        miner.add(line)
    return time.process_time() - started


def _left_out(logs: list[LabelledLog]) -> Figure:
    found = leave_one_out(logs)
    worst = min(found, key=lambda one: one.accuracy)
    note = f"masks and number of values chosen on the other systems; worst {worst.system} {worst.accuracy:.3f}"
    return figure("logs.grouping_accuracy_left_out", fmean(one.accuracy for one in found), note=note)


def _drain3(logs: list[LabelledLog], stream: list[str], rate: float) -> tuple[Peer, Figure]:
    """drain3's figures and how many times its speed ours is; without values, and the reason, when it cannot be run."""
    source = "https://github.com/logpai/Drain3 0.9.11, its defaults, masks for IP, hex and numbers"
    name, floor, aim = "logs.speed_against_drain3", 4.0, 10.0
    try:
        done: PeerRun = run_drain3(logs, stream, Path.home() / ENVIRONMENTS)
    except SourceUnavailable as error:
        note = f"not run: {error.message}"
        return Peer(name="drain3", source=source, figures=(figure("logs.grouping_accuracy", None, note=note),)), figure(
            name, None, "x", floor=floor, aim=aim, note=note
        )
    theirs = len(stream) / done.seconds
    figures = (*_accuracy(logs, done.groups, targets=False), figure("logs.lines_per_second", theirs, "lines/s"))
    return Peer(name="drain3", source=source, figures=figures), figure(name, rate / theirs, "x", floor=floor, aim=aim)


def _cases(log: LabelledLog, given: list[int]) -> list[Case]:
    """One case a true template: in how many groups its lines are, and how many foreign lines are among them."""
    formed = groups(given)
    cases = []
    for template, lines in groups(log.templates).items():
        ids = sorted({given[line] for line in lines})
        foreign = sum(len(formed[one]) for one in ids) - len(lines)
        score = float(len(ids) == 1 and foreign == 0)
        detail = {"lines": str(len(lines)), "groups": str(len(ids)), "foreign_lines": str(foreign)}
        answer = "one group" if score else f"{len(ids)} groups, {foreign} foreign lines"
        cases.append(Case(name=str(template)[:120], group=log.system, answer=answer, score=score, detail=detail))
    return cases
