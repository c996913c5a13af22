"""Models on the way of an incident: what each outcome of a rung leads to, what is kept of it, and what is replayed."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents.data_policy import DataPolicy, RungPrivacy
from core.errors import ModelLate, ModelUnavailable, OverBudget
from core.llm import Message, ModelReply, ModelRequest, ModelTask, Purpose, Speaker
from core.models import AttemptState, Autonomy, Decision, EscalationReason, FaultKind, IncidentStatus, Recovery, Rung
from core.ports import ChatModel
from graphs.bundle import read_bundle, write_bundle
from graphs.recorded_models import recording
from graphs.replay import replay
from graphs.runner import RunResult
from tests.fakes.chat import Answer, ReciteModel
from tests.graphs.conftest import NOW, Bench

REASONS = EscalationReason
Actor = Callable[[ModelRequest], Answer]


def model(actor: Actor, rung: Rung = Rung.LOCAL) -> ReciteModel:
    return ReciteModel(actor=actor, rung=rung)


def cited(request: ModelRequest, service: str) -> list[str]:
    """Evidence that the prompt shows in rows of the service."""
    rows = [row for row in request.messages[1].text.split("\n") if row.startswith(f"| {service}")]
    return list(dict.fromkeys(re.findall(r"ev_[0-9a-f]{12}", " ".join(rows))))


def answers(
    service: str = "leaf",
    kind: str = "crash",
    confidence: float = 0.9,
    options: tuple[int, ...] = (1,),
    **other: Answer,
) -> Actor:
    """A model that names that cause and chooses those options.

    Args:
        other: answers of another kind, by task.
    """

    def answer(request: ModelRequest) -> Answer:
        if request.task.value in other:
            return other[request.task.value]
        cites = cited(request, service)
        cause = {
            "service": service,
            "kind": kind,
            "statement": "it died",
            "evidence_for": cites,
            "evidence_against": [],
        }
        said: dict[ModelTask, dict[str, Any]] = {
            ModelTask.ANOMALY: {
                "detected": True,
                "confidence": confidence,
                "severity": "critical",
                "pattern": "none",
                "recommendation": "Look at it.",
                "evidence": cites,
            },
            ModelTask.RCA: {"causes": [cause], "confidence": confidence, "narrative": f"{service} failed."},
            ModelTask.VERIFICATION: {"holds": True, "confidence": 0.9, "objection": ""},
            ModelTask.PLANNING: {
                "options": options,
                "confidence": confidence,
                "reason": "It helps.",
                "evidence": re.findall(r"\| \[(ev_[0-9a-f]{12})\]", request.messages[1].text),
            },
            ModelTask.CLASSIFICATION: {
                "category": "errors",
                "confidence": confidence,
                "reason": "It fails.",
                "evidence": [],
            },
        }
        return json.dumps(said[request.task])

    return answer


async def run(bench: Bench, *models: ChatModel) -> tuple[RunResult, dict[str, Decision]]:
    """The run of the crash with these models, and the newest decision of each agent."""
    bench.models = {each.rung: each for each in models}
    bench.remedy.states, bench.remedy.recoveries = [AttemptState.DONE], [Recovery.RECOVERED]
    result = await bench.runner.run("inc_1", await bench.lease())
    async with bench.store.read() as tx:
        decisions = await tx.decisions.of_incident("inc_1")
    return result, {each.agent: each for each in decisions}


def reasons(decision: Decision) -> list[EscalationReason]:
    return [step.reason for step in decision.escalations]


async def test_a_local_model_that_agrees_lets_the_run_act(bench: Bench) -> None:
    local, frontier = model(answers()), model(answers(), Rung.FRONTIER)
    result, decided = await run(bench, local, frontier)
    assert result is RunResult.FINISHED
    assert bench.remedy.acted == ["start leaf"]
    assert (decided["rca"].rung, reasons(decided["rca"])) == (Rung.LOCAL, [REASONS.CRITICAL_SEVERITY])
    assert (decided["healing"].rung, decided["rca"].model) == (Rung.LOCAL, "recite")
    assert len(decided["rca"].prompt_hash) == 12
    incident = await bench.incident()
    assert (incident.status, incident.cause_kind, incident.rung) == (IncidentStatus.RESOLVED, FaultKind.CRASH, "local")
    assert incident.cost_usd == pytest.approx(sum(each.cost_usd for each in decided.values()))
    assert frontier.requests == []


async def test_every_step_is_on_the_timeline(bench: Bench) -> None:
    await run(bench, model(answers()))
    async with bench.store.read() as tx:
        told = [entry.text for entry in await tx.timeline.of_incident("inc_1") if entry.kind == "escalation"]
    assert any(text.startswith("rca: rules -> local (critical_severity) confidence 0.") for text in told)


SILENT: list[tuple[Answer, EscalationReason]] = [
    (ModelLate("late"), REASONS.TIMEOUT),
    (ModelUnavailable("down"), REASONS.RUNG_UNAVAILABLE),
    (OverBudget("spent"), REASONS.OVER_BUDGET),
    ("no idea", REASONS.INVALID_OUTPUT),
]


@pytest.mark.parametrize(("said", "reason"), SILENT)
async def test_where_the_models_are_silent_sure_rules_act_as_they_do_without(
    bench: Bench, said: Answer, reason: EscalationReason
) -> None:
    silent = [model(lambda request: said, rung) for rung in (Rung.LOCAL, Rung.FRONTIER)]
    result, decided = await run(bench, *silent)
    assert result is RunResult.FINISHED
    assert reasons(decided["rca"])[1] is reason
    assert (decided["rca"].rung, decided["rca"].model) == (Rung.RULES, "")
    assert "the answer of rules stands" in decided["rca"].escalations[-1].detail
    assert bench.remedy.acted == ["start leaf"]


async def test_models_that_disagree_put_the_action_to_a_human(bench: Bench) -> None:
    others = [model(answers(kind="bad_release"), Rung.LOCAL), model(answers(kind="hang"), Rung.FRONTIER)]
    result, decided = await run(bench, *others)
    assert result is RunResult.WAITING
    assert (decided["rca"].rung, reasons(decided["rca"])[-1]) == (Rung.HUMAN, REASONS.RUNGS_DISAGREE)
    assert bench.remedy.acted == []
    async with bench.store.read() as tx:
        [approval] = await tx.approvals.find()
    assert approval.proposal.service == "leaf"
    assert [reason.rule for reason in approval.reasons if reason.effect == "ask"] == ["unsure"]


async def test_a_model_cannot_raise_autonomy(bench: Bench) -> None:
    bench.remedy.facts = {"autonomy": Autonomy.OBSERVE}
    await run(bench, model(answers(confidence=1.0)))
    assert bench.remedy.acted == []
    assert (await bench.incident()).outcome.startswith("observed")


async def test_data_that_must_stay_is_shown_to_no_model(bench: Bench) -> None:
    bench.data_policy = DataPolicy(local=RungPrivacy(services={"leaf": False}))
    local = model(answers())
    _, decided = await run(bench, local)
    assert reasons(decided["rca"])[1] is REASONS.DATA_STAYS
    assert "leaf" not in "".join(each.model_dump_json() for each in local.requests)
    assert bench.remedy.acted == ["start leaf"]


async def test_where_nothing_left_its_baseline_nobody_is_asked(bench: Bench) -> None:
    bench.metrics.fault_at = bench.clock.now().timestamp() + 1e6
    local = model(answers())
    await run(bench, local)
    assert [each.task for each in local.requests] == []
    assert bench.remedy.acted == []


@pytest.mark.parametrize("said", [answers(), answers(kind="bad_release"), lambda request: ModelLate("late")])
async def test_a_bundle_replays_byte_for_byte_and_asks_no_model(bench: Bench, tmp_path: Path, said: Actor) -> None:
    local, frontier = model(said), model(said, Rung.FRONTIER)
    await run(bench, local, frontier)
    asked = len(local.requests) + len(frontier.requests)
    folder = tmp_path / "bundle"
    await write_bundle(bench.store, "inc_1", folder, version="test", now=NOW)
    bundle = read_bundle(folder)
    assert sum(call.port == "model" for call in bundle.recordings) == asked > 0
    result = await replay(bundle)
    assert (result.same, result.differences) == (True, ())
    assert len(local.requests) + len(frontier.requests) == asked


async def test_a_replay_whose_record_lacks_an_answer_says_so(bench: Bench, tmp_path: Path) -> None:
    await run(bench, model(answers(confidence=0.7)))
    folder = tmp_path / "bundle"
    await write_bundle(bench.store, "inc_1", folder, version="test", now=NOW)
    bundle = read_bundle(folder)
    without = tuple(call for call in bundle.recordings if call.port != "model")
    changed = type(bundle)(**{**{name: getattr(bundle, name) for name in bundle.__slots__}, "recordings": without})
    result = await replay(changed)
    assert not result.same


async def test_a_node_that_runs_again_asks_and_pays_no_model_twice(bench: Bench) -> None:
    local = model(answers())
    bench.models = {Rung.LOCAL: local}
    context = bench.context(await bench.lease())
    said = Message(speaker=Speaker.USER, text="?")
    request = ModelRequest(task=ModelTask.VERIFICATION, messages=(said, said), purpose=Purpose(agent="rca"))
    first = await recording(context, "inc_1")[Rung.LOCAL].complete(request)
    assert await recording(context, "inc_1")[Rung.LOCAL].complete(request) == first
    assert len(local.requests) == 1


async def test_who_has_no_answer_when_the_time_for_the_decision_is_over_is_late_on_record_too(bench: Bench) -> None:
    class Silent(ReciteModel):
        async def complete(self, request: ModelRequest) -> ModelReply:
            await asyncio.Event().wait()
            raise AssertionError

    bench.models = {Rung.LOCAL: Silent()}
    context = bench.context(await bench.lease())
    request = ModelRequest(task=ModelTask.RCA, messages=(), purpose=Purpose(agent="rca"))
    with pytest.raises(ModelLate):
        await recording(context, "inc_1", seconds=0.0)[Rung.LOCAL].complete(request)
    bench.models = {Rung.LOCAL: model(answers())}
    with pytest.raises(ModelLate):
        await recording(bench.context(context.lease), "inc_1")[Rung.LOCAL].complete(request)


async def test_what_a_model_makes_of_the_findings_is_told(bench: Bench) -> None:
    bench.metrics.young = True
    await run(bench, model(answers()))
    async with bench.store.read() as tx:
        told = [entry.text for entry in await tx.timeline.of_incident("inc_1") if entry.kind == "model"]
    assert told[0] == "anomaly: a model sees one (no pattern), critical: Look at it."


async def test_what_no_service_measures_is_no_reason_to_ask_what_is_unusual(bench: Bench) -> None:
    local = model(answers())
    await run(bench, local)
    assert ModelTask.ANOMALY not in {each.task for each in local.requests}
