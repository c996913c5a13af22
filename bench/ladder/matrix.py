"""Every way in which a rung can answer, or not, through the incident graph: who was asked, why, how it ended, its cost.

Graph, store, books and guard are the real ones; only the models are scripted, and nothing is done to the world.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from agents.data_policy import DataPolicy, FrontierPrivacy, RungPrivacy
from agents.ladder_policy import LadderPolicy
from analysis.calibration.shipped import shipped
from analysis.config import AnalysisConfig
from app.models.budget import PRICES, BudgetSettings
from app.models.metered import FREE, Metered, Tariff
from bench.ladder.rehearsal import Rehearsal
from bench.ladder.world import EDGE, LEAF, OTHER, World
from clients.models.counting import upper_tokens
from core.clock import ManualClock
from core.errors import ModelLate, ModelUnavailable
from core.llm import ModelReply, ModelRequest, ModelTask
from core.models import (
    Alert,
    Autonomy,
    Decision,
    EscalationReason,
    Incident,
    IncidentStatus,
    Rung,
    Severity,
)
from core.ports import ChatModel, NullKnowledge, SourceStatus
from graphs.context import IncidentContext, NoNotifier
from graphs.scratch import scratch_runner, scratch_store
from stores.leases import Lease
from stores.store import Store
from tools.signals import DEFAULT_SIGNALS

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
PRICED_AS = "gpt-4o"
PROMPT_TOKENS, OUTPUT_TOKENS = 1_000, 100
"""What every scripted answer is counted as."""

CALL_USD = PRICES[PRICED_AS].usd(PROMPT_TOKENS, OUTPUT_TOKENS)
_EVIDENCE = re.compile(r"\bev_[0-9a-f]{12}\b")
_OPTION = re.compile(r"^\| (\d+)\. ", re.MULTILINE)


class Does(StrEnum):
    """What a rung does when it is asked for the cause."""

    ABSENT = "absent"
    SURE = "sure"
    UNSURE = "unsure"
    INVALID = "invalid"
    SLOW = "slow"
    DOWN = "down"
    OVER_BUDGET = "over budget"
    DISAGREEING = "disagreeing"
    HOSTILE = "hostile"
    FORBIDDEN = "forbidden"


class Rules(StrEnum):
    """What the rules make of the incident before any model is asked."""

    UNSURE = "unsure"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination."""

    rules: Rules
    local: Does
    frontier: Does = Does.ABSENT


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one.

    Attributes:
        asked: rungs that were asked for the cause, in order, each once.
        steps: of that decision, as it is stored.
        ended: the rung that the decision ended at.
        cause: what it names.
        status: of the incident at the end.
        acted: what would have been done to the world.
        cost_usd: of the incident, as its record says.
        booked_usd: the same by the books.
    """

    cell: Cell
    asked: tuple[Rung, ...]
    steps: tuple[tuple[Rung, Rung, EscalationReason], ...]
    ended: Rung
    cause: str
    status: IncidentStatus
    acted: tuple[str, ...]
    cost_usd: float
    booked_usd: float


def cells() -> tuple[Cell, ...]:
    """Every behaviour of each rung, beside a rung that makes it count."""
    asked = [one for one in Does if one is not Does.ABSENT]
    free = [one for one in asked if one is not Does.OVER_BUDGET]  # a local model costs nothing
    found = [Cell(rules, local, Does.SURE) for rules in Rules for local in (Does.ABSENT, *free)]
    found += [Cell(Rules.UNSURE, Does.UNSURE, frontier) for frontier in Does if frontier is not Does.SURE]
    found += [Cell(Rules.CRITICAL, Does.DISAGREEING, frontier) for frontier in Does if frontier is not Does.SURE]
    found += [Cell(Rules.UNSURE, Does.ABSENT), Cell(Rules.UNSURE, Does.DOWN, Does.DOWN)]
    found += [Cell(Rules.CRITICAL, Does.ABSENT), Cell(Rules.CRITICAL, Does.SLOW, Does.DOWN)]
    return tuple(found)


@dataclass
class ScriptedModel:
    """`core.ports.ChatModel` that does one thing when asked for the cause, and agrees with everything else."""

    rung: Rung
    does: Does
    asked: list[ModelRequest] = field(default_factory=list)

    async def complete(self, request: ModelRequest) -> ModelReply:
        """An answer by the script."""
        self.asked.append(request)
        if request.task is ModelTask.RCA and self.does is Does.SLOW:
            raise ModelLate(f"the {self.rung} model did not answer in time")
        if request.task is ModelTask.RCA and self.does is Does.DOWN:
            raise ModelUnavailable(f"the {self.rung} model is down")
        return ModelReply(
            text=self.text(request),
            model=f"scripted-{self.rung}",
            rung=self.rung,
            prompt_tokens=PROMPT_TOKENS,
            output_tokens=OUTPUT_TOKENS,
        )

    async def status(self) -> SourceStatus:
        return SourceStatus(name=f"scripted-{self.rung}", configured=True, reachable=True)

    def text(self, request: ModelRequest) -> str:
        """What it says, as it says it."""
        shown = "\n".join(each.text for each in request.messages)
        match request.task:
            case ModelTask.RCA if self.does is Does.INVALID:
                return "I would rather tell a story than write JSON."
            case ModelTask.RCA:
                return json.dumps(self._cause(request, shown))
            case ModelTask.VERIFICATION:
                return json.dumps({"holds": True, "confidence": 0.95, "objection": ""})
            case ModelTask.ANOMALY:
                cites = _EVIDENCE.findall(shown.partition("What statistics found")[2])
                seen = {"detected": True, "confidence": 0.95, "severity": "critical", "pattern": "none"}
                return json.dumps({**seen, "recommendation": "Look at what failed first.", "evidence": cites[:3]})
            case _:
                cites = _EVIDENCE.findall(shown.partition("Symptom:")[0])
                agreed = {"options": [int(one) for one in _OPTION.findall(shown)[:1]], "confidence": 0.95}
                return json.dumps({**agreed, "reason": "It ends the cause.", "evidence": list(dict.fromkeys(cites))})

    def _cause(self, request: ModelRequest, shown: str) -> dict[str, Any]:
        """A cause; the hostile one rests on evidence that is real and tells nothing of it."""
        named = {Does.DISAGREEING: EDGE, Does.HOSTILE: OTHER}.get(self.does, LEAF)
        about = LEAF if self.does is Does.HOSTILE else named
        rows = [row for row in shown.split("\n") if row.startswith(f"| {about} ")]
        cites = list(dict.fromkeys(one for row in rows for one in _EVIDENCE.findall(row)))
        kind = "crash" if f"| {LEAF} crash " in shown else "hang"
        cause = {"service": named, "kind": kind, "statement": f"{named} failed first."}
        return {
            "causes": [{**cause, "evidence_for": cites, "evidence_against": []}],
            "confidence": 0.1 if self.does is Does.UNSURE else 0.97,
            "narrative": f"{named} failed first, and its callers with it.",
        }


async def run_matrix(wanted: Sequence[Cell]) -> list[Row]:
    """Each cell as an incident of its own, one after the other in one store."""
    clock = ManualClock(NOW)
    first, *others = [_incident(number, cell) for number, cell in enumerate(wanted)]
    async with scratch_store(clock, first, (_alert(wanted[0], first),)) as store:
        async with store.write() as tx:
            for incident, cell in zip(others, wanted[1:], strict=True):
                await tx.incidents.add(incident)
                await tx.alerts.save(_alert(cell, incident), incident.id)
        return [
            await _row(store, clock, cell, incident) for cell, incident in zip(wanted, (first, *others), strict=True)
        ]


async def _row(store: Store, clock: ManualClock, cell: Cell, incident: Incident) -> Row:
    scripted = [ScriptedModel(rung, does) for rung, does in _configured(cell).items()]
    remedy = Rehearsal(clock, store)
    context = context_of(_world(cell), clock, remedy, metered(store, clock, scripted, cell), policy_of(cell))
    runner, lease = await scratch_runner(store, incident.id, lambda lease: context(store, lease))
    await runner.run(incident.id, lease)
    async with store.read() as tx:
        ended = await tx.incidents.get(incident.id)
        decisions = await tx.decisions.of_incident(incident.id)
        calls = [call for call in await tx.spending.calls() if call.incident_id == incident.id]
    decision: Decision = next(each for each in decisions if each.agent == "rca")
    asked = [model.rung for model in scripted if any(each.task is ModelTask.RCA for each in model.asked)]
    return Row(
        cell=cell,
        asked=tuple(asked),
        steps=tuple((step.from_rung, step.to_rung, step.reason) for step in decision.escalations),
        ended=decision.rung,
        cause=f"{ended.cause_service} {ended.cause_kind or ''}".strip(),
        status=ended.status,
        acted=tuple(remedy.acted),
        cost_usd=ended.cost_usd,
        booked_usd=round(sum(call.cost_usd for call in calls), 6),
    )


def metered(
    store: Store, clock: ManualClock, scripted: Sequence[ScriptedModel], cell: Cell
) -> Mapping[Rung, ChatModel]:
    """The models as the graph gets them: in the books, capped, bound by policy."""
    caps = BudgetSettings(incident_usd=0.0 if cell.frontier is Does.OVER_BUDGET else 0.10)

    def price(rung: Rung) -> Tariff:
        if rung is Rung.LOCAL:
            return Tariff(lambda asked: "mistral:7b", lambda name: FREE, lambda name, asked: 0, lambda asked: 30.0)
        return Tariff(lambda asked: PRICED_AS, caps.price, upper_tokens, lambda asked: 60.0)

    return {each.rung: Metered(each, price(each.rung), store, clock, caps, policy_of(cell)) for each in scripted}


def policy_of(cell: Cell) -> DataPolicy:
    """No data for a rung that is forbidden."""
    return DataPolicy(
        local=RungPrivacy(leave=cell.local is not Does.FORBIDDEN),
        frontier=FrontierPrivacy(leave=cell.frontier is not Does.FORBIDDEN),
    )


def context_of(
    world: World, clock: ManualClock, remedy: Rehearsal, models: Mapping[Rung, ChatModel], policy: DataPolicy
) -> Callable[[Store, Lease], IncidentContext]:
    """Makes contexts of that world."""

    def make(store: Store, lease: Lease) -> IncidentContext:
        return IncidentContext(
            store=store,
            clock=clock,
            inventory=world.inventory(),
            sources=world.sources(),
            signals=DEFAULT_SIGNALS,
            analysis=AnalysisConfig(),
            knowledge=NullKnowledge(),
            ladder=LadderPolicy(),
            remedy=remedy,
            lease=lease,
            notifier=NoNotifier(),
            models=models,
            data_policy=policy,
            calibration=shipped(),
            max_looks=1,
        )

    return make


def _configured(cell: Cell) -> dict[Rung, Does]:
    both = {Rung.LOCAL: cell.local, Rung.FRONTIER: cell.frontier}
    return {rung: does for rung, does in both.items() if does is not Does.ABSENT}


def _world(cell: Cell) -> World:
    return World(NOW, crashed=cell.rules is Rules.CRITICAL)


def _severity(cell: Cell) -> Severity:
    return Severity.CRITICAL if cell.rules is Rules.CRITICAL else Severity.WARNING


def _alert(cell: Cell, incident: Incident) -> Alert:
    return _world(cell).alert(_severity(cell), fingerprint=incident.alerts[0])


def _incident(number: int, cell: Cell) -> Incident:
    return Incident(
        id=f"inc_{number}",
        status=IncidentStatus.OPEN,
        severity=_severity(cell),
        title="EdgeErrors on edge",
        service=EDGE,
        autonomy=Autonomy.ACT,
        opened_at=NOW,
        updated_at=NOW,
        alerts=(f"fp-{number}",),
    )
