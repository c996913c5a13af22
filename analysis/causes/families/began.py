"""Since when the requests of a system go otherwise, as far as its spans and their lines tell.

The analysed window begins well before an alert, as nobody knows how long a fault was there before it was noticed. Usual
requests thin the unusual ones out; so what is compared with earlier windows is the time since the change, if there is
one within the window.
"""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from statistics import median

import numpy as np

from analysis.causes.families.windows import Gaps, Grouped, Lines, Work, called, grouped, writes, written
from analysis.config import AnalysisConfig
from analysis.rounding import significant
from analysis.traces.onset import Outcomes, changed_at
from analysis.traces.requests import Request
from analysis.traces.sequences import MIN_REQUESTS, Sequences, shares, turns
from analysis.traces.surprise import Share, level_surprise, share_surprise
from analysis.view import SystemView
from core.models import Signal

SLOW = 0.95
"""A request is slow that takes longer than this share of the earlier ones."""

HALF = 0.5

_DONE: dict[int, tuple[AnalysisConfig, Work]] = {}
"""By id of a view that is alive: putting requests together costs more than all families that read them."""


def work(view: SystemView, config: AnalysisConfig) -> Work:
    """The requests of a view since the change in its window, put together once."""
    known = _DONE.get(id(view))
    if known is not None and known[0] == config:
        return known[1]
    done = since_change(grouped(view), config)
    if known is None:
        weakref.finalize(view, _DONE.pop, id(view), None)
    _DONE[id(view)] = (config, done)
    return done


def since_change(work: Work, config: AnalysisConfig) -> Work:
    """The same with only the requests since the change; all of them where nothing tells of one."""
    told: defaultdict[str, list[Outcomes]] = defaultdict(list)
    for operation in work.operations:
        told[operation.service] += _turned(operation, work.lines)
        told[operation.service] += _failing(operation, config)
        told[operation.service] += _slower(_self_times(operation), config)
    for (_, callee), gaps in work.ways.items():
        told[callee] += _slower(gaps, config)
    at = changed_at(list(told.values()))
    return work if at is None else _narrowed(work, at)


def _narrowed(work: Work, at: float) -> Work:
    operations = [
        replace(one, now=[each for each in one.now if each[1].span.start.timestamp() >= at]) for one in work.operations
    ]
    ways = {
        way: [[gap for gap in now if gap[0].timestamp() >= at], *before] for way, (now, *before) in work.ways.items()
    }
    return replace(work, operations=tuple(one for one in operations if one.now), ways=ways)


def _turned(operation: Grouped, lines: Lines) -> Iterator[Outcomes]:
    """Requests at the point from which most leave their usual way: at further points they would count twice."""
    logs = writes(operation, lines)

    def events(part: Iterable[tuple[int, Request]]) -> Sequences:
        return written(part, lines) if logs else called(part)

    now, before = events(operation.now), [events(each) for each in operation.before]
    for turn in turns(now, before)[:1]:
        taken = zip(_instants(operation), shares(now, turn.after, turn.event), strict=True)
        usual = [shares(each, turn.after, turn.event) for each in before]
        yield _outcomes(
            [(at, share) for at, share in taken if share is not None],
            [[share for share in each if share is not None] for each in usual],
            more=turn.surprise > 0,
        )


def _failing(operation: Grouped, config: AnalysisConfig) -> Iterator[Outcomes]:
    """Whether each request failed by itself, if more of them do than usual."""
    now, *before = ([float(one.failed_itself) for _, one in part] for part in (operation.now, *operation.before))
    usual = [_share(each) for each in before if len(each) >= MIN_REQUESTS]
    if len(now) >= MIN_REQUESTS and share_surprise(_share(now), usual) >= config.robust_z:
        yield _outcomes(list(zip(_instants(operation), now, strict=True)), before)


def _slower(gaps: Sequence[Gaps], config: AnalysisConfig) -> Iterator[Outcomes]:
    """Whether each duration is slow, if they are typically longer than usual."""
    now, *others = gaps
    before = [[seconds for _, seconds in each] for each in others if len(each) >= MIN_REQUESTS]
    if len(now) < MIN_REQUESTS or not before:
        return
    usual = [median(each) for each in before]
    if level_surprise(median(seconds for _, seconds in now), usual, config.floor(Signal.LATENCY)) < config.robust_z:
        return
    slow = significant(float(np.quantile([seconds for each in before for seconds in each], SLOW)))
    yield _outcomes(
        [(at.timestamp(), float(seconds > slow)) for at, seconds in now],
        [[float(seconds > slow) for seconds in each] for each in before],
    )


def _share(outcomes: Sequence[float]) -> Share:
    return Share(round(sum(outcomes)), len(outcomes))


def _instants(operation: Grouped) -> list[float]:
    return [request.span.start.timestamp() for _, request in operation.now]


def _self_times(operation: Grouped) -> list[Gaps]:
    return [
        [(request.span.start, request.self_seconds) for _, request in part]
        for part in (operation.now, *operation.before)
    ]


def _outcomes(
    taken: Sequence[tuple[float, float]], before: Sequence[Sequence[float]], *, more: bool = True
) -> Outcomes:
    """Against the median of the earlier windows' shares, which is taken half a request away from never and always."""
    known = [each for each in before if len(each) >= MIN_REQUESTS]
    least = HALF / max(1, sum(len(each) for each in known))
    usual = median(sum(each) / len(each) for each in known) if known else HALF
    taken = sorted(taken)
    return Outcomes([at for at, _ in taken], [odd for _, odd in taken], min(max(usual, least), 1 - least), more)
