"""Three services, of which one failed: as little of a system as a whole investigation needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from core.errors import ActuatorError
from core.frames import Frame, LogLine, LogPage, LogQuery, MetricQuery
from core.models import (
    ActionOutcome,
    Alert,
    AlertStatus,
    Change,
    Identity,
    RunState,
    Service,
    ServiceKind,
    ServiceState,
    Severity,
    Utc,
    Window,
)
from core.ports import SourceStatus
from tools.inventory import Inventory
from tools.sources import Sources

EDGE, LEAF, OTHER = "edge", "leaf", "other"
FAULT_SECONDS = 60.0
"""Before the investigation."""


@dataclass(frozen=True, slots=True)
class World:
    """`edge` calls `leaf` and `other`.

    Attributes:
        crashed: `leaf` is gone, and the runtime says so. Otherwise both callees fail requests, and nothing says why.
        lines: that `edge` logged since the fault.
    """

    now: datetime
    crashed: bool = True
    lines: tuple[str, ...] = ()

    @property
    def fault_at(self) -> datetime:
        """When it began."""
        return self.now - timedelta(seconds=FAULT_SECONDS)

    def inventory(self) -> Inventory:
        """The three services."""
        calls = {EDGE: (LEAF, OTHER), LEAF: (), OTHER: ()}
        return Inventory(
            [
                Service(
                    name=name,
                    tier=1 if name == EDGE else 2,
                    kind=ServiceKind.STATELESS,
                    dependencies=callees,
                    identity=Identity(prometheus={"job": name}, process=name),
                )
                for name, callees in calls.items()
            ]
        )

    def sources(self) -> Sources:
        """The ports behind the tools."""
        return Sources(metrics=_Metrics(self), logs=_Logs(self), actuators=(_Runtime(self),))

    def alert(self, severity: Severity, **fields: object) -> Alert:
        """The one on `edge`."""
        return Alert.model_validate(
            {
                "fingerprint": "fp-edge",
                "status": AlertStatus.FIRING,
                "name": "EdgeErrors",
                "severity": severity,
                "labels": {"alertname": "EdgeErrors", "service": EDGE},
                "annotations": {"summary": "requests to edge fail"},
                "starts_at": self.fault_at,
                "source": "bench",
                "service": EDGE,
                **fields,
            }
        )


class _Metrics:
    name = "world"

    def __init__(self, world: World) -> None:
        self._world = world

    async def query(self, query: MetricQuery) -> Frame:
        """Requests, those that failed, and whether a service is up."""
        frame = Frame.empty(query.window, query.step_seconds)
        job = query.matchers.get("job", "")
        after = frame.times >= self._world.fault_at.timestamp()
        crashed = self._world.crashed
        if query.metric == "up":
            values = np.where(after & (job == LEAF) & crashed, 0.0, 1.0)
        elif query.metric == "http_requests_total":
            failing = job == EDGE or not crashed
            values = np.where(after & failing, 10.0, 0.0) if query.matchers_regex else np.full(after.size, 20.0)
        else:
            return frame
        return replace(frame, labels=({"job": job},), values=values[np.newaxis, :])

    async def status(self) -> SourceStatus:
        return SourceStatus(name=self.name, configured=True, reachable=True)


class _Logs:
    name = "world"

    def __init__(self, world: World) -> None:
        self._world = world

    async def query(self, query: LogQuery) -> LogPage:
        """The lines of `edge`, a second apart."""
        at = self._world.fault_at
        lines = [
            LogLine(at=at + timedelta(seconds=number), service=EDGE, text=text)
            for number, text in enumerate(self._world.lines)
        ]
        return LogPage(
            lines=tuple(
                each for each in lines if query.service == EDGE and query.window.start <= each.at < query.window.end
            )
        )

    async def status(self) -> SourceStatus:
        return SourceStatus(name=self.name, configured=True, reachable=True)


class _Runtime:
    """Sees every service; never acts."""

    name = "world"

    def __init__(self, world: World) -> None:
        self._world = world

    def owns(self, service: Service) -> bool:
        return True

    async def state(self, service: Service) -> ServiceState:
        dead = self._world.crashed and service.name == LEAF
        state = RunState.EXITED if dead else RunState.RUNNING
        return ServiceState(
            service=service.name,
            at=self._world.now,
            state=state,
            exit_code=-9 if dead else None,
            replicas=1,
            release="2.0",
            previous_release="1.9",
        )

    async def changes(self, service: Service, window: Window) -> Sequence[Change]:
        return ()

    async def run(self, action: str, service: Service, parameters: dict[str, str], key: str) -> ActionOutcome:
        raise ActuatorError(f"{action} of {service.name}: nothing is ever done here")

    async def observe(
        self, action: str, service: Service, parameters: dict[str, str], key: str, since: Utc
    ) -> bool | None:
        return None

    async def status(self) -> SourceStatus:
        return SourceStatus(name=self.name, configured=True, reachable=True)
