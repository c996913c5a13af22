"""A crash of `leaf` seen from `edge`, as the ports would show it, and remedies that follow a script."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langgraph.checkpoint.memory import InMemorySaver

from agents.data_policy import DataPolicy
from agents.ladder_policy import LadderPolicy
from analysis.config import AnalysisConfig
from core.clock import ManualClock
from core.frames import Frame, LogPage, LogQuery, MetricQuery
from core.hooks import Hooks, NoHooks
from core.models import (
    ActionOutcome,
    Alert,
    AlertStatus,
    Approval,
    Attempt,
    AttemptState,
    Autonomy,
    Change,
    Effect,
    GuardFacts,
    Identity,
    Incident,
    IncidentStatus,
    Proposal,
    Recovery,
    Rung,
    RunState,
    Service,
    ServiceState,
    Severity,
    Utc,
    Verdict,
    Verification,
    Window,
    content_id,
)
from core.ports import BaselineSource, ChatModel, Knowledge, NullKnowledge, SourceStatus, TraceSource
from graphs.context import IncidentContext
from graphs.incident import build_incident_graph
from graphs.runner import IncidentRunner
from remediation.guardrails import judge
from stores.checkpoints import serializer
from stores.leases import Lease
from stores.migrate import upgrade
from stores.store import Store, Tx
from tools.inventory import Inventory
from tools.signals import DEFAULT_SIGNALS
from tools.sources import Sources

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)

SERVICES = (
    Service(name="edge", tier=1, dependencies=("leaf",), identity=Identity(prometheus={"job": "edge"})),
    Service(name="leaf", identity=Identity(prometheus={"job": "leaf"})),
)


class Metrics:
    """`up` of everything, and of `leaf` only until the fault.

    Attributes:
        young: everything else is measured, too, but only since the fault: nothing has a baseline to leave.
    """

    name = "stub"

    def __init__(self, fault_at: float) -> None:
        self.fault_at = fault_at
        self.young = False

    async def query(self, query: MetricQuery) -> Frame:
        frame = Frame.empty(query.window, query.step_seconds)
        job = query.matchers.get("job", "")
        if query.metric != "up" and self.young:
            since = np.where(frame.times >= self.fault_at, 1.0, np.nan)
            return replace(frame, labels=({"job": job},), values=since[np.newaxis, :])
        if query.metric != "up":
            return frame
        up = np.ones(frame.values.shape[1])
        if job == "leaf":
            up[frame.times >= self.fault_at] = 0.0
        return replace(frame, labels=({"job": job},), values=up[np.newaxis, :])

    async def status(self) -> SourceStatus:
        return SourceStatus(name=self.name, configured=True, reachable=True)


class Logs:
    """Silence."""

    name = "stub"

    async def query(self, query: LogQuery) -> LogPage:
        return LogPage(lines=())

    async def status(self) -> SourceStatus:
        return SourceStatus(name=self.name, configured=True, reachable=True)


class Runtime:
    """Sees that `leaf` was killed; acting is the remedy's business."""

    name = "stub"

    def __init__(self, clock: ManualClock, fault_at: float) -> None:
        self._clock = clock
        self._fault_at = fault_at

    def owns(self, service: Service) -> bool:
        return True

    async def state(self, service: Service) -> ServiceState:
        dead = service.name == "leaf" and self._clock.now().timestamp() >= self._fault_at
        state = RunState.EXITED if dead else RunState.RUNNING
        return ServiceState(service=service.name, at=NOW, state=state, exit_code=-9 if dead else None)

    async def changes(self, service: Service, window: Window) -> Sequence[Change]:
        return ()

    async def run(self, action: str, service: Service, parameters: dict[str, str], key: str) -> ActionOutcome:
        raise AssertionError("the graph must act through its remedy only")

    async def observe(
        self, action: str, service: Service, parameters: dict[str, str], key: str, since: Utc
    ) -> bool | None:
        return None

    async def status(self) -> SourceStatus:
        return SourceStatus(name=self.name, configured=True, reachable=True)


@dataclass
class Remedy:
    """Verdicts from facts that a test sets; outcomes from queues that must not run dry."""

    clock: ManualClock
    facts: dict[str, Any] = field(default_factory=dict)
    states: list[AttemptState] = field(default_factory=list)
    recoveries: list[Recovery] = field(default_factory=list)
    acted: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    store: Store | None = None
    error: Exception | None = None

    async def judge(self, incident: Incident, proposal: Proposal, undo_of: Attempt | None = None) -> Verdict:
        approved = None
        if self.store is not None:
            async with self.store.read() as tx:
                answer = await tx.approvals.for_proposal(incident.id, proposal.hash)
            approved = {"approved": True, "rejected": False}.get(answer.state.value) if answer else None
        facts: dict[str, Any] = {
            "at": self.clock.now(),
            "autonomy": Autonomy.ACT,
            "protected": False,
            "target_resolved": True,
            "policy_effect": Effect.ALLOW,
            "still_anomalous": True,
            "undo": undo_of is not None,
            "approved": approved,
            **self.facts,
        }
        return judge(proposal, GuardFacts(**facts))

    async def act(self, incident: Incident, proposal: Proposal, lease: Lease, undo_of: str = "") -> Attempt:
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        (self.undone if undo_of else self.acted).append(f"{proposal.action} {proposal.service}")
        state = self.states.pop(0)
        attempt = Attempt(
            id=content_id("att", incident.id, proposal.hash, undo_of),
            incident_id=incident.id,
            proposal=proposal,
            proposal_hash=proposal.hash,
            state=AttemptState.RESERVED,
            reserved_at=self.clock.now(),
            undo_of=undo_of,
        )
        assert self.store is not None
        outcome = ActionOutcome(ok=state is AttemptState.DONE, detail="as the script says", before="1", after="2")
        async with self.store.write() as tx:
            await tx.attempts.reserve(attempt)
            return await tx.attempts.update(attempt.id, state=state, outcome=outcome)

    async def verify(self, incident: Incident, attempt: Attempt) -> Verification:
        return Verification(recovery=self.recoveries.pop(0), seconds=1.0, detail="as the script says")


class Notices:
    """Remembers who was told what."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def approval_needed(self, tx: Tx, incident: Incident, approval: Approval) -> None:
        self.told.append(f"approval {approval.proposal.action} {approval.proposal.service}")

    async def human_needed(self, tx: Tx, incident: Incident, why: str) -> None:
        self.told.append(f"human {why.partition(':')[0]}")

    async def ended(self, tx: Tx, incident: Incident) -> None:
        self.told.append("ended")


@dataclass
class Bench:
    """One incident on a real store, the real graph, and what surrounds it."""

    store: Store
    clock: ManualClock
    remedy: Remedy
    notices: Notices
    metrics: Metrics
    traces: TraceSource | None = None
    baselines: BaselineSource | None = None
    knowledge: Knowledge = field(default_factory=NullKnowledge)
    hooks: Hooks = field(default_factory=NoHooks)
    saver: InMemorySaver = field(default_factory=lambda: InMemorySaver(serde=serializer()))
    deadline_seconds: float = 30.0
    models: dict[Rung, ChatModel] = field(default_factory=dict)
    data_policy: DataPolicy = field(default_factory=DataPolicy)

    def context(self, lease: Lease) -> IncidentContext:
        return IncidentContext(
            store=self.store,
            clock=self.clock,
            inventory=Inventory(SERVICES),
            sources=Sources(
                self.metrics, Logs(), (Runtime(self.clock, self.metrics.fault_at),), self.traces, self.baselines
            ),
            signals=DEFAULT_SIGNALS,
            analysis=AnalysisConfig(),
            knowledge=self.knowledge,
            ladder=LadderPolicy(),
            remedy=self.remedy,
            lease=lease,
            notifier=self.notices,
            hooks=self.hooks,
            models=self.models,
            data_policy=self.data_policy,
        )

    @property
    def runner(self) -> IncidentRunner:
        graph = build_incident_graph(self.saver, deadline_seconds=self.deadline_seconds)
        return IncidentRunner(graph, self.context)

    async def lease(self, ttl_seconds: float = 3600.0) -> Lease:
        async with self.store.write() as tx:
            lease = await tx.leases.acquire("inc_1", "test", ttl_seconds)
        assert lease is not None
        return lease

    async def incident(self) -> Incident:
        async with self.store.read() as tx:
            return await tx.incidents.get("inc_1")

    async def path(self) -> list[str]:
        """Names of the nodes that were entered, each once a round."""
        async with self.store.read() as tx:
            return [entry.node for entry in await tx.timeline.of_incident("inc_1") if entry.kind == "node"]


@pytest.fixture
async def bench(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Bench]:
    """A critical alert on `edge`; `leaf` died a minute ago."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'quell.db'}"
    await upgrade(url)
    store = await Store.open(url, clock)
    incident = Incident(
        id="inc_1",
        status=IncidentStatus.OPEN,
        severity=Severity.CRITICAL,
        title="EdgeErrors on edge",
        service="edge",
        autonomy=Autonomy.ACT,
        opened_at=clock.now(),
        updated_at=clock.now(),
        alerts=("f1",),
    )
    alert = Alert(
        fingerprint="f1",
        status=AlertStatus.FIRING,
        name="EdgeErrors",
        severity=Severity.CRITICAL,
        labels={"alertname": "EdgeErrors", "service": "edge"},
        starts_at=clock.now(),
        source="test",
    )
    async with store.write() as tx:
        await tx.incidents.add(incident)
        await tx.alerts.save(alert, "inc_1")
    remedy = Remedy(clock, store=store)
    yield Bench(store, clock, remedy, Notices(), Metrics(clock.now().timestamp() - 60))
    await store.close()
