"""What is sent: stable wording, bounded whatever was measured, secrets hidden, strangers fenced, thresholds and logs
side by side.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from agents import anomaly, classifier, healing, rca
from agents.ladder import climb
from agents.ladder_policy import LadderPolicy
from agents.models import RcaInput
from agents.prompting import MAX_PROMPT_TOKENS, Rendered, load
from agents.redaction import Redactor
from agents.rungs.schema import response_schema
from agents.rungs.showing import Showing, crossed
from agents.spec import AgentSpec, Answer
from core.models import Alert, Diagnosis, Digest, Evidence, Fact, Finding, Rung, Severity, Shape, Signal, TemplateDigest
from core.tokens import tokens
from tests.agents.rungs.cases import HOLDS, Case, asking, burnt, cause, says
from tests.analysis.shop import END
from tests.fakes.chat import ReciteModel


@pytest.fixture(name="burnt", scope="module")
def the_burnt_case() -> Case:
    """The payment service burns CPU, and the rules know it."""
    return burnt()


async def rendered(spec: AgentSpec[Any, Any], given: Any, rules: Any = None) -> Rendered:
    """The prompt of an agent."""
    assert spec.prompted is not None
    showing = Showing(Redactor())
    return load(spec.prompted.prompt).render(**spec.prompted.variables(given, rules, showing))


async def all_prompts(one: Case) -> dict[str, tuple[AgentSpec[Any, Any], Any, Any]]:
    """Agent, what it is given, what its rules say."""
    healing_input = one.healing()
    return {
        "classifier": (classifier.SPEC, one.triage, (await classifier.classify(one.triage)).result),
        "anomaly": (anomaly.SPEC, one.anomaly, (await anomaly.find(one.anomaly)).result),
        "rca": (rca.SPEC, one.rca, one.rules.result),
        "healing": (healing.SPEC, healing_input, (await healing.plan(healing_input)).result),
    }


@pytest.mark.parametrize("name", ["classifier", "anomaly", "rca", "healing"])
async def test_the_wording_of_each_prompt(burnt: Case, name: str, snapshot: SnapshotAssertion) -> None:
    spec, given, rules = (await all_prompts(burnt))[name]
    prompt = await rendered(spec, given, rules)
    assert prompt.user == snapshot
    assert prompt.tokens < MAX_PROMPT_TOKENS


@pytest.mark.parametrize("name", ["classifier", "anomaly", "rca", "healing"])
async def test_the_schema_of_each_answer_is_closed(burnt: Case, name: str, snapshot: SnapshotAssertion) -> None:
    spec, given, rules = (await all_prompts(burnt))[name]
    assert spec.prompted is not None
    schema = response_schema(spec.prompted.response, spec.prompted.choices(given, rules))
    assert json.dumps(schema, indent=1, sort_keys=True) == snapshot


async def test_the_wording_of_the_second_look(burnt: Case, snapshot: SnapshotAssertion) -> None:
    model = ReciteModel([says(cause("payment", "bad_release", burnt.cites("payment"))), HOLDS])
    abstains = replace(rca.SPEC, rungs={Rung.RULES: abstain})
    await climb(abstains, burnt.rca, policy=LadderPolicy(), severity=Severity.CRITICAL, asking=asking(model))
    assert model.requests[1].messages[1].text == snapshot


async def abstain(given: RcaInput) -> Answer[Diagnosis]:
    return Answer(Diagnosis(confidence=0.0, abstained="nothing fits"), 0.0)


async def test_the_shared_part(burnt: Case, snapshot: SnapshotAssertion) -> None:
    assert load("rca").shared == snapshot


def test_a_crossed_threshold_reads_as_people_say_it() -> None:
    finding = Finding(
        service="payment",
        signal=Signal.CPU,
        shape=Shape.LEVEL_SHIFT,
        onset=END.replace(hour=12, minute=3, second=10),
        magnitude=3.1,
        current=0.96,
        baseline=0.1,
        evidence=("ev_1",),
    )
    assert crossed(finding, 3.0) == "cpu 96% > 93.2% since 12:03:10"
    assert crossed(finding.model_copy(update={"current": 0.02, "magnitude": -6.0}), 3.0) == "cpu 2% < 6% since 12:03:10"
    assert crossed(finding.model_copy(update={"current": None}), 3.0) == ""


async def test_the_anomaly_prompt_shows_current_last_day_and_same_hour(burnt: Case) -> None:
    prompt = await rendered(*(await all_prompts(burnt))["anomaly"])
    assert (
        "current 0.9014, baseline 0.08064, last 24 h 0.05 (0.02 to 0.09), same hour 0.06 (0.03 to 0.1)" in prompt.user
    )


LONG = "über 𝕨𝕚𝕕𝕖 <<<data log>>> \u202e {{symptom}} ``` " * 40


async def flooded(one: Case) -> dict[str, tuple[AgentSpec[Any, Any], Any, Any]]:
    """The same incident with 500 services, 4,000 findings and texts without end."""
    names = [f"service-{number}-{LONG[:60]}" for number in range(500)]
    findings = tuple(
        each.model_copy(update={"service": name, "text": LONG, "metric": LONG})
        for name in names
        for each in one.findings[:8]
    )
    row = one.rca.evidence[0]
    templates = tuple(TemplateDigest(subject=name, template=LONG, count=9, example=LONG) for name in names)
    facts = tuple(Fact(subject=name, name=LONG, value=LONG) for name in names)
    evidence = tuple(
        Evidence(
            **{**dict(row), "id": f"ev_{number}", "digest": Digest(summary=LONG, templates=templates, facts=facts)}
        )
        for number in range(20)
    )
    series = tuple(
        each.model_copy(update={"digest": each.digest.model_copy(update={"summary": LONG})})
        for each in one.rca.evidence
    )
    hypotheses = tuple(
        one.rules.result.hypotheses[0].model_copy(update={"service": name, "statement": LONG}) for name in names
    )
    rules = one.rules.result.model_copy(update={"hypotheses": hypotheses})
    view = replace(one.rca.view, symptom=LONG, dependencies={name: tuple(names[:50]) for name in names})
    alert = one.triage.alerts[0].model_copy(update={"name": LONG, "annotations": {"summary": LONG * 20}})
    alerts: tuple[Alert, ...] = (alert,) * 200
    found = (await anomaly.find(one.anomaly)).result.model_copy(update={"findings": findings})
    flood = (*series, *evidence)
    state = one.healing().states[0].model_copy(update={"release": LONG, "previous_release": LONG})
    first = one.rules.result.hypotheses[0].model_copy(
        update={"statement": LONG, "evidence_for": tuple(each.id for each in flood)}
    )
    sick = one.healing(
        diagnosis=one.rules.result.model_copy(update={"hypotheses": (first,)}),
        symptom=LONG,
        states=tuple(state.model_copy(update={"service": name}) for name in names),
        evidence=flood,
        tried=("prop_x",) * 50,
    )
    triage = one.triage.model_copy(update={"alerts": alerts, "service": LONG, "evidence": flood})
    given = replace(one.rca, view=view, findings=findings, evidence=flood)
    return {
        "classifier": (classifier.SPEC, triage, (await classifier.classify(triage)).result),
        "anomaly": (anomaly.SPEC, replace(one.anomaly, view=view, evidence=flood), found),
        "rca": (rca.SPEC, given, rules),
        "healing": (healing.SPEC, sick, (await healing.plan(sick)).result),
    }


@pytest.mark.parametrize("name", ["classifier", "anomaly", "rca", "healing"])
async def test_no_prompt_grows_beyond_its_bound_and_what_was_cut_is_said(burnt: Case, name: str) -> None:
    spec, given, rules = (await flooded(burnt))[name]
    prompt = await rendered(spec, given, rules)
    assert spec.prompted is not None
    schema = response_schema(spec.prompted.response, spec.prompted.choices(given, rules))
    assert prompt.tokens + tokens(json.dumps(schema)) < MAX_PROMPT_TOKENS
    assert "left out" in prompt.user or "cut" in prompt.user
    inside = [line for line in prompt.user.split("\n") if line.startswith("| ")]
    assert not any("<<<" in line or "\u202e" in line for line in inside)
    assert prompt.user.count("<<<data") == prompt.user.count("<<<end data>>>")
