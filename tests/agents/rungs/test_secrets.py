"""The corpus of secrets through every prompt of every agent: none of them is in what a model is sent.

The texts stand wherever strangers write: log templates and examples, labels, annotations, changes, releases, facts,
findings, the rules' own words, and what a model repeats of its prompt when it is corrected.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import replace
from typing import Any, cast

import pytest

from agents import anomaly, classifier, healing, rca
from agents.ladder import climb
from agents.ladder_policy import LadderPolicy
from agents.models import AnomalyInput, Findings
from agents.rungs.model import Asking
from agents.spec import AgentSpec, Answer
from analysis.view import ChangeView
from core.llm import ModelRequest, ModelTask
from core.models import Change, Diagnosis, Evidence, FaultKind, Hypothesis, Rung, Severity
from core.redaction import STANDS_FOR
from tests.agents.rungs.cases import Case, burnt, cause, says
from tests.analysis.shop import CONFIG, END
from tests.core.test_secrets import CASES, DISGUISED, LEFT_CHARACTERS
from tests.fakes.chat import ReciteModel

NEVER_SURE = LadderPolicy(sure=1.0, critical_sure=1.0)
MARK = "mark77"
"""Stands before each text, to show that it really was in a prompt."""

EXAMPLE = "ev_0123456789ab"
"""Of an id, in every prompt: some secrets of the corpus have these digits."""

BY_KIND: dict[str, list[tuple[str, list[str]]]] = defaultdict(list)
for _case in CASES:
    BY_KIND[re.sub(r"-[^-]+$", "", str(_case.id))].append(cast("tuple[str, list[str]]", _case.values))


for _entry in DISGUISED:
    del BY_KIND[_entry["kind"]][2:]  # all of them are found in the same way, wherever they stand


@pytest.fixture(name="burnt", scope="module")
def the_burnt_case() -> Case:
    return burnt()


@pytest.mark.parametrize("kind", sorted(BY_KIND))
async def test_no_secret_is_in_any_request(burnt: Case, kind: str) -> None:
    text, gone = BY_KIND[kind][0]
    _told_nothing(await _asked(burnt, f"{MARK} {text}", (Rung.LOCAL, Rung.FRONTIER)), text, gone)


@pytest.mark.slow
@pytest.mark.flaky(reruns=0)  # nothing here is left to chance
@pytest.mark.parametrize("kind", [kind for kind in sorted(BY_KIND) if len(BY_KIND[kind]) > 1])
async def test_no_other_secret_of_the_kind_is_in_any_request(burnt: Case, kind: str) -> None:
    for text, gone in BY_KIND[kind][1:]:
        _told_nothing(await _asked(burnt, f"{MARK} {text}", (Rung.LOCAL,)), text, gone)


def _told_nothing(requests: list[ModelRequest], text: str, gone: list[str]) -> None:
    """Every agent asked, was shown the text, and showed no model what is to be gone of it."""
    assert {each.task for each in requests} == {
        ModelTask.CLASSIFICATION, ModelTask.ANOMALY, ModelTask.RCA, ModelTask.VERIFICATION, ModelTask.PLANNING
    }  # fmt: skip
    for request in requests:
        sent = STANDS_FOR.sub("", request.model_dump_json()).replace(EXAMPLE, "")
        assert MARK in sent, request.task
        left = [part for part in gone for piece in _pieces(part) if piece in sent or json.dumps(piece)[1:-1] in sent]
        assert not left, f"{request.task}: {text}"


def _pieces(secret: str) -> list[str]:
    """So much of it as counts as left behind."""
    return [secret[at : at + LEFT_CHARACTERS] for at in range(max(1, len(secret) - LEFT_CHARACTERS + 1))]


async def _asked(burnt: Case, text: str, rungs: tuple[Rung, ...]) -> list[ModelRequest]:
    """All that these rungs are sent when that text stands everywhere."""
    models = [ReciteModel(actor=_actor(burnt, text), rung=rung) for rung in rungs]
    asking = Asking(models={each.rung: each for each in models}, incident_id="inc_1", service="gateway")

    async def decide(spec: AgentSpec[Any, Any], given: Any) -> None:
        await climb(spec, given, policy=NEVER_SURE, severity=Severity.CRITICAL, asking=asking)

    evidence = tuple(_soiled(one, text) for one in burnt.rca.evidence)
    findings = tuple(one.model_copy(update={"text": text, "metric": text}) for one in burnt.findings)
    change = Change(service="payment", kind="deploy", at=END, before=text, after=text, detail=text)
    view = replace(burnt.rca.view, changes=(ChangeView(change, evidence[0].id),))
    told = {"name": text, "labels": {"note": text}, "annotations": {"summary": text}}
    alert = burnt.triage.alerts[0].model_copy(update=told)
    odd = alert.model_copy(update={"name": "Odd", "labels": {}, "annotations": {}})  # of no category
    given = burnt.triage.model_copy(update={"alerts": (alert, odd), "evidence": evidence[:3]})
    await decide(classifier.SPEC, given)
    found = Answer(Findings(findings=findings), 0.5)
    await decide(_saying(anomaly.SPEC, found), AnomalyInput(view, CONFIG, evidence))
    diagnosis = _told(burnt.rules.result, text)
    given_rca = replace(burnt.rca, view=view, findings=findings, evidence=evidence)
    await decide(_saying(rca.SPEC, Answer(_of_unknown_kind(diagnosis), 0.4)), given_rca)
    states = tuple(each.state.model_copy(update={"release": text, "previous_release": text}) for each in view.states)
    await decide(healing.SPEC, burnt.healing(diagnosis=diagnosis, states=states, evidence=evidence))
    return [request for model in models for request in model.requests]


def _actor(burnt: Case, text: str) -> Any:
    """Answers the first question for a cause with what it was shown, refutes itself, and else answers as it should."""
    cites = burnt.cites("payment")

    def actor(request: ModelRequest) -> str:
        match request.task:
            case ModelTask.RCA if len(request.messages) == 2:
                return f"I saw {request.messages[-1].text}"
            case ModelTask.RCA:
                return says(cause("payment", "pool_exhausted", cites), narrative=text)
            case ModelTask.VERIFICATION:
                return json.dumps({"holds": False, "confidence": 0.2, "objection": text})
            case ModelTask.ANOMALY:
                judged = {"detected": True, "confidence": 0.9, "severity": "critical", "pattern": "none"}
                return json.dumps({**judged, "recommendation": text, "evidence": cites})
            case ModelTask.PLANNING:
                return json.dumps({"options": [], "confidence": 0.9, "reason": text, "evidence": cites})
            case _:
                return json.dumps({"category": "errors", "confidence": 0.9, "reason": text, "evidence": []})

    return actor


def _saying(spec: AgentSpec[Any, Any], answer: Answer[Any]) -> AgentSpec[Any, Any]:
    async def rules(given: Any) -> Answer[Any]:
        return answer

    return replace(spec, rungs={Rung.RULES: rules})


def _told(diagnosis: Diagnosis, text: str) -> Diagnosis:
    """The rules' list, each row in those words, and none of them sure."""
    rows: tuple[Hypothesis, ...] = tuple(
        one.model_copy(update={"statement": text, "component": text}) for one in diagnosis.hypotheses
    )
    return diagnosis.model_copy(update={"hypotheses": rows})


def _of_unknown_kind(diagnosis: Diagnosis) -> Diagnosis:
    """The first suspect is suspected of they know not what: a model's answer gets a second look."""
    first, *others = diagnosis.hypotheses
    vague = first.model_copy(update={"kind": FaultKind.UNKNOWN, "probability": 0.4})
    return diagnosis.model_copy(update={"hypotheses": (vague, *others), "confidence": 0.4})


def _soiled(evidence: Evidence, text: str) -> Evidence:
    """Evidence with the text in every row that it has."""
    digest = evidence.digest
    facts = tuple(one.model_copy(update={"value": text}) for one in digest.facts)
    templates = tuple(one.model_copy(update={"template": text, "example": text}) for one in digest.templates)
    series = tuple(one.model_copy(update={"metric": text}) for one in digest.series)
    soiled = digest.model_copy(update={"summary": text, "facts": facts, "templates": templates, "series": series})
    return evidence.model_copy(update={"digest": soiled, "link": text})
