"""What follows what while an operation runs: shares of events after the two events before them, now and earlier.

A count of events says how much there was to do; what follows an event says what the code does next. A request that
fails or returns early takes another way at one point, and the share of that way jumps there, whatever the traffic is.
The share is of requests that got to that point, so what happens before and after it does not blur it. (The same
observation carries Nezha's pairs of events: Yu et al., FSE 2023, https://doi.org/10.1145/3611643.3616249.)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from analysis.traces.surprise import Share, share_surprise

BEGIN, END = "<begin>", "<end>"
ORDER = 2
"""Events that make a point: one before tells too little of a loop's inside, three leave too few requests a point."""

MIN_REQUESTS = 3
"""Fewer requests that got to a point say nothing of it, now or earlier."""

TURN_Z = 4.0
"""Surprise from which a turn counts: a system has hundreds of points, and at 3 some of them turn by chance."""

HALF = 0.5

Sequences = Sequence[Sequence[str]]
"""The events of each request, in order."""

Point = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """A point from which requests go on otherwise than before.

    Attributes:
        after: the events before, oldest first.
        event: what follows now more often, or less often, than before.
        surprise: signed z.
        now: requests' ways on with that event, of all ways on from that point.
        before: the same in all earlier windows together.
        first: index of the first request that went on otherwise.
    """

    after: Point
    event: str
    surprise: float
    now: Share
    before: Share
    first: int


@dataclass(slots=True)
class _Ways:
    """How requests went on from one point: requests that got there, times that they did, and what followed."""

    requests: int = 0
    times: int = 0
    following: Counter[str] | None = None
    last: int = -1


def turns(now: Sequences, before: Sequence[Sequences], threshold: float = TURN_Z) -> list[Turn]:
    """The points at which requests leave their usual way, largest surprise first; only those beyond the threshold.

    That they keep to it more than before is no turn: what was wrong in an earlier window is over.

    Args:
        now: of the analysed window.
        before: of each earlier window.
        threshold: z from which a share counts as unusual.
    """
    here = _ways(now)
    earlier = [_ways(sequences) for sequences in before]
    found = []
    for point, ways in here.items():
        if ways.requests < MIN_REQUESTS:
            continue
        others = [each[point] for each in earlier if point in each and each[point].requests >= MIN_REQUESTS]
        events = dict.fromkeys(event for one in (ways, *others) for event in _following(one))
        for event in events if others else ():
            now_share, before_shares = _scaled(ways, event), [_scaled(other, event) for other in others]
            surprise = share_surprise(now_share, before_shares)
            if abs(surprise) >= threshold and (surprise > 0) is not _usual(before_shares):
                found.append(_turn(point, event, surprise, ways, others, now))
    return sorted(found, key=lambda turn: (-abs(turn.surprise), -turn.surprise, turn.first))


def shares(sequences: Sequences, after: Point, event: str) -> list[float | None]:
    """Of each request, the share of its ways on from a point that the event is; None of one that did not get there."""
    found: list[float | None] = []
    for events in sequences:
        padded = (*[BEGIN] * ORDER, *events, END)
        here = [padded[i] == event for i in range(ORDER, len(padded)) if padded[i - ORDER : i] == after]
        found.append(sum(here) / len(here) if here else None)
    return found


def _ways(sequences: Sequences) -> dict[Point, _Ways]:
    found: defaultdict[Point, _Ways] = defaultdict(_Ways)
    for index, events in enumerate(sequences):
        padded = (*[BEGIN] * ORDER, *events, END)
        for position in range(ORDER, len(padded)):
            ways = found[padded[position - ORDER : position]]
            ways.times += 1
            ways.requests += ways.last != index
            ways.last = index
            if ways.following is None:
                ways.following = Counter()
            ways.following[padded[position]] += 1
    return found


def _following(ways: _Ways) -> Iterable[str]:
    return ways.following or ()


def _scaled(ways: _Ways, event: str) -> Share:
    """The share of an event, as if each request got to the point once: repetitions in one request are no evidence."""
    count = ways.following[event] if ways.following else 0
    return Share(round(count * ways.requests / ways.times), ways.requests)


def _usual(shares: Sequence[Share]) -> bool:
    """Whether most requests go on that way: fewer of them are unusual, not more; of a rare way it is the reverse."""
    return median(share.part / share.whole for share in shares) >= HALF


def _turn(
    point: Point, event: str, surprise: float, ways: _Ways, others: Sequence[_Ways], sequences: Sequences
) -> Turn:
    count = sum(other.following[event] for other in others if other.following)
    return Turn(
        after=point,
        event=event,
        surprise=surprise,
        now=Share(ways.following[event] if ways.following else 0, ways.times),
        before=Share(count, sum(other.times for other in others)),
        first=_first(point, event, sequences, more=surprise > 0),
    )


def _first(point: Point, event: str, sequences: Sequences, *, more: bool) -> int:
    """The first request that went on with the event, or, where there are fewer such, with another one."""
    for index, events in enumerate(sequences):
        padded = (*[BEGIN] * ORDER, *events, END)
        for position in range(ORDER, len(padded)):
            if padded[position - ORDER : position] == point and (padded[position] == event) is more:
                return index
    return 0
