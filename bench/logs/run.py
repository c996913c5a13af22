"""`quell bench logs`: grouping accuracy by system with one configuration, lines per second, classes of templates."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import fmean

from analysis.logs.miner import Miner
from bench.data import pack_folder
from bench.logs.classification import measure
from bench.logs.drain3_peer import run_drain3
from bench.logs.grouping import emitted, grouping_accuracy, groups
from bench.logs.leave_one_out import leave_one_out
from bench.logs.loghub import LabelledLog, load, redrawn, traced
from bench.result import BenchOptions, BenchResult, Case, Figure, Peer, figure
from core.errors import SourceUnavailable

PACK = "loghub2k"
ENVIRONMENTS = Path(".cache/quell/peers")


def run(options: BenchOptions) -> BenchResult:
    """Measure grouping on loghub's systems, and classes on labelled templates.

    With peers also drain3 on the same lines, the choice made without each system, and a search for words.

    Raises:
        NotFound: the pack is not there.
        InvalidInput: the pack holds no system.
    """
    logs = load(pack_folder(options.data, PACK))
    given = {log.system: emitted(log.lines) for log in logs}
    streams = [redrawn(logs), traced(logs)]
    rates = [len(stream) / _seconds(stream) for stream in streams]
    figures = [*_accuracy(logs, given, targets=True), *_rates(rates)]
    peers: tuple[Peer, ...] = ()
    if options.with_peers:
        figures.append(_left_out(logs))
        peer, compared = _drain3(logs, streams, rates)
        figures += compared
        peers = (peer,)
    cases = [case for log in logs for case in _cases(log, given[log.system])] if options.with_cases else []
    classes, class_peers, class_cases = measure(with_cases=options.with_cases, with_peers=options.with_peers)
    return BenchResult(
        name="logs",
        figures=(*figures, *classes),
        cases=(*cases, *class_cases),
        peers=(*peers, *class_peers),
    )


def _rates(rates: list[float]) -> list[Figure]:
    return [
        figure("logs.lines_per_second", rates[0], "lines/s", note="every line comes five times, digits drawn anew"),
        figure("logs.lines_per_second_traced", rates[1], "lines/s", note="every line once, with a trace id of its own"),
    ]


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


def _drain3(logs: list[LabelledLog], streams: list[list[str]], rates: list[float]) -> tuple[Peer, list[Figure]]:
    """drain3's figures and how many times its speed ours is; without values, and the reason, when it cannot be run."""
    source = "https://github.com/logpai/Drain3 0.9.11, its defaults, masks for IP, hex and numbers"
    try:
        done = run_drain3(logs, streams, Path.home() / ENVIRONMENTS)
    except SourceUnavailable as error:
        note = f"not run: {error.message}"
        unknown = Peer(name="drain3", source=source, figures=(figure("logs.grouping_accuracy", None, note=note),))
        return unknown, [figure("logs.speed_against_drain3", None, "x", floor=4.0, aim=10.0, note=note)]
    theirs = [len(stream) / seconds for stream, seconds in zip(streams, done.seconds, strict=True)]
    peer = Peer(name="drain3", source=source, figures=(*_accuracy(logs, done.groups, targets=False), *_rates(theirs)))
    return peer, [
        figure("logs.speed_against_drain3", rates[0] / theirs[0], "x", floor=4.0, aim=10.0),
        figure("logs.speed_against_drain3_traced", rates[1] / theirs[1], "x"),
    ]


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
