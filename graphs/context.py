"""What the nodes of the incident graph are given: ports and settings, never looked up by the nodes themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agents.data_policy import DataPolicy
from agents.ladder_policy import LadderPolicy
from analysis.calibration.model import Calibration
from analysis.config import AnalysisConfig
from core.clock import Clock
from core.hooks import Hooks, NoHooks
from core.models import Approval, Attempt, Escalation, Incident, Proposal, Rung, Verdict, Verification
from core.ports import ChatModel, Knowledge
from stores.leases import Lease
from stores.store import Store, Tx
from tools.inventory import Inventory
from tools.signals import SignalSpec
from tools.sources import Sources


class Remedy(Protocol):
    """Everything between a proposal and the metrics' word on it: live against the world, or from a record."""

    async def judge(self, incident: Incident, proposal: Proposal, undo_of: Attempt | None = None) -> Verdict:
        """Read the facts now and let the guard rules speak."""
        ...

    async def act(self, incident: Incident, proposal: Proposal, lease: Lease, undo_of: str = "") -> Attempt:
        """Reserve and carry out, or finish what an interrupted run of this node began.

        Raises:
            AlreadyReserved: another action on the service is under way.
        """
        ...

    async def verify(self, incident: Incident, attempt: Attempt) -> Verification:
        """Wait until the metrics show recovery, or until the deadline."""
        ...


class Notifier(Protocol):
    """Tells humans. Each notice joins the caller's transaction and is sent once, however often a node runs."""

    async def approval_needed(self, tx: Tx, incident: Incident, approval: Approval) -> None: ...

    async def human_needed(self, tx: Tx, incident: Incident, why: str) -> None: ...

    async def ended(self, tx: Tx, incident: Incident) -> None: ...


class NoNotifier:
    """Tells nobody."""

    async def approval_needed(self, tx: Tx, incident: Incident, approval: Approval) -> None:
        return None

    async def human_needed(self, tx: Tx, incident: Incident, why: str) -> None:
        return None

    async def ended(self, tx: Tx, incident: Incident) -> None:
        return None


@dataclass(frozen=True, slots=True)
class IncidentContext:
    """The runtime context of one run of one incident.

    Attributes:
        lease: proves that this process owns the incident; every node checks it first.
        notifier: tells humans.
        models: of the rungs that ask one; a rung without is unavailable.
        data_policy: which data may leave for which rung, and what is hidden of it.
        calibration: how sure evidence makes; None: the fit that counts in the store when the run begins.
        max_rounds: actions that are tried, one after the other.
        max_looks: how often a young incident that is not understood is looked at.
        observe: told the name and duration in seconds of each node that ended.
        observe_escalation: told the agent and each step that it went up the ladder.
    """

    store: Store
    clock: Clock
    inventory: Inventory
    sources: Sources
    signals: Sequence[SignalSpec]
    analysis: AnalysisConfig
    knowledge: Knowledge
    ladder: LadderPolicy
    remedy: Remedy
    lease: Lease
    notifier: Notifier
    hooks: Hooks = field(default_factory=NoHooks)
    models: Mapping[Rung, ChatModel] = field(default_factory=dict)
    data_policy: DataPolicy = field(default_factory=DataPolicy)
    calibration: Calibration | None = None
    max_rounds: int = 3
    max_looks: int = 3
    observe: Callable[[str, float], None] = lambda node, seconds: None
    observe_escalation: Callable[[str, Escalation], None] = lambda agent, step: None
