"""A large system that exists only where it is looked at: containers, their series and their log lines.

Every answer is worked out from names and times when it is asked for, as a server's is from its disk: nothing is held.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from core.errors import ActuatorError
from core.frames import Floats, Frame, Function, LogLine, LogPage, LogQuery, MetricQuery
from core.models import (
    ActionOutcome,
    Change,
    Identity,
    RunState,
    Service,
    ServiceKind,
    ServiceState,
    Utc,
    Window,
)
from core.ports import SourceStatus
from tools.inventory import Inventory
from tools.sources import Sources

LAYERS = 10
CALLEES = 3
TEMPLATES = 300
"""Distinct log templates of one container, a tenth of them errors."""

WORDS = (
    "order", "cart", "session", "cache", "replica", "shard", "token", "invoice", "queue", "worker", "batch", "index",
    "payment", "stock", "route", "lease", "page", "cursor", "bucket", "stream", "tenant", "quota", "webhook", "job",
)  # fmt: skip


@dataclass(frozen=True)
class Crowd:
    """Containers in layers: each calls some of the next layer.

    Attributes:
        series: of each container; one metric is the sum of its series.
        lines: of each container over the time that a look reads.
        page_lines: most that the log server gives at once.
        faulty: containers that fail since `fault_at`; those that call them fail a little later.
    """

    now: datetime
    containers: int = 500
    series: int = 100
    lines: int = 20_000
    page_lines: int = 5_000
    faulty: tuple[int, ...] = ()
    fault_seconds: float = 150.0
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(f"container-{number:03d}" for number in range(self.containers)))

    @property
    def fault_at(self) -> datetime:
        """When the faulty ones began to fail."""
        return self.now - timedelta(seconds=self.fault_seconds)

    def inventory(self) -> Inventory:
        """Every container as a service."""
        return Inventory(
            [
                Service(
                    name=name,
                    tier=1 + number * LAYERS // self.containers // 4,
                    kind=ServiceKind.STATELESS,
                    dependencies=tuple(self.names[each] for each in self.callees(number)),
                    identity=Identity(prometheus={"job": name}, container=name),
                )
                for number, name in enumerate(self.names)
            ]
        )

    def callees(self, number: int) -> tuple[int, ...]:
        """Which containers a container calls; none in the last layer."""
        width = self.containers // LAYERS
        layer, place = divmod(number, width)
        if layer + 1 >= LAYERS:
            return ()
        return tuple(sorted({(layer + 1) * width + (place * 7 + 13 * each) % width for each in range(CALLEES)}))

    def hurt(self, name: str) -> float | None:
        """Seconds since which a container suffers; None when it does not."""
        number = self.names.index(name)
        reached, distance = {number}, 0
        while reached:
            if reached & set(self.faulty):
                return max(0.0, self.fault_seconds - 15.0 * distance)
            reached = {callee for each in reached for callee in self.callees(each)}
            distance += 1
        return None

    def sources(self) -> Sources:
        """The ports behind the tools."""
        return Sources(metrics=_Metrics(self), logs=_Logs(self), actuators=(_Engine(self),))


class _Metrics:
    name = "crowd"

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd

    async def query(self, query: MetricQuery) -> Frame:
        """The sum of all series of a container, each with its own noise."""
        empty = Frame.empty(query.window, query.step_seconds)
        name = query.matchers.get("job", "")
        if name not in self._crowd.names or "status" in "".join(query.matchers_regex):
            return empty
        rng = np.random.default_rng(zlib.crc32(f"{name} {query.metric} {query.function}".encode()))
        noise = rng.normal(1.0, 0.05, (self._crowd.series, empty.times.size)).mean(axis=0)
        values = self._level(name, query, empty.times) * noise
        return Frame(empty.start, empty.step, ({},), values[np.newaxis, :])

    async def status(self) -> SourceStatus:
        return SourceStatus(name=self.name, configured=True, reachable=True)

    def _level(self, name: str, query: MetricQuery, times: Floats) -> Floats:
        hurt = self._crowd.hurt(name)
        since = np.inf if hurt is None else self._crowd.now.timestamp() - hurt
        after = times >= since
        if query.matchers_regex:
            return np.where(after, 40.0, 0.1)
        if query.function is Function.QUANTILE:
            return np.where(after, 0.9, 0.1)
        if query.metric == "up":
            return np.ones_like(times)
        if query.metric == "process_cpu_seconds_total":
            return np.where(after, 0.8, 0.3)
        return np.full_like(times, 100.0 if query.function is Function.RATE else 2e8)


class _Logs:
    name = "crowd"

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd

    async def query(self, query: LogQuery) -> LogPage:
        """A page of a container's lines, spread evenly over the window; errors where it suffers, before the fault too,
        so that a small page holds some."""
        crowd = self._crowd
        if query.service not in crowd.names or not crowd.lines:
            return LogPage(lines=())
        begin = int(query.cursor or 0)
        end = min(begin + min(query.limit, crowd.page_lines), crowd.lines)
        every = query.window.seconds / crowd.lines
        failing = crowd.hurt(query.service) is not None and query.window.end >= crowd.now
        lines = []
        for number in range(begin, end):
            at = query.window.start + timedelta(seconds=number * every)
            text = _text(query.service, number, failing=failing)
            lines.append(LogLine(at=at, service=query.service, text=text))
        return LogPage(lines=tuple(lines), cursor=str(end) if end < crowd.lines else "")

    async def status(self) -> SourceStatus:
        return SourceStatus(name=self.name, configured=True, reachable=True)


def _text(service: str, number: int, *, failing: bool) -> str:
    """A line of one of the container's templates, with numbers that vary; every third of them is very long."""
    template = number * 7 % TEMPLATES
    words = [WORDS[(template * step + len(service)) % len(WORDS)] for step in (1, 5, 7, 11, 13)]
    bad = failing and template < TEMPLATES // 10
    tail = " ".join(words * 12) if template % 3 == 0 else ""
    level = "ERROR failed to" if bad else "INFO did"
    return (
        f"{level} {words[0]} {words[1]} t{template}x of {words[2]} {words[3]} id={number} took {number % 97} ms {tail}"
    )


class _Engine:
    """Sees every container; never acts."""

    name = "crowd"

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd

    def owns(self, service: Service) -> bool:
        return service.name in self._crowd.names

    async def state(self, service: Service) -> ServiceState:
        healthy = self._crowd.hurt(service.name) is None
        return ServiceState(
            service=service.name,
            at=self._crowd.now,
            state=RunState.RUNNING,
            started_at=self._crowd.now - timedelta(days=1),
            healthy=healthy,
            health_detail="" if healthy else "readiness probe failed: " + "context deadline exceeded " * 8,
            release="2.1",
            previous_release="2.0",
            replicas=3,
            cpu_percent=30.0,
            memory_bytes=200_000_000,
        )

    async def changes(self, service: Service, window: Window) -> Sequence[Change]:
        """A deploy a minute before its fault on what is faulty, an older one elsewhere."""
        faulty = self._crowd.names.index(service.name) in self._crowd.faulty
        at = self._crowd.fault_at - timedelta(seconds=60 if faulty else 1_500)
        found = Change(service=service.name, kind="deploy", at=at, before="2.0", after="2.1", reference="2.1")
        return (found,) if window.start <= at < window.end else ()

    async def run(self, action: str, service: Service, parameters: dict[str, str], key: str) -> ActionOutcome:
        raise ActuatorError(f"{action} of {service.name}: a benchmark never acts")

    async def observe(
        self, action: str, service: Service, parameters: dict[str, str], key: str, since: Utc
    ) -> bool | None:
        return None

    async def status(self) -> SourceStatus:
        return SourceStatus(name=self.name, configured=True, reachable=True)
