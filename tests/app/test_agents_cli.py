"""`quell agents`: what is shown of an agent is what its spec declares."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from agents.catalogue import ALL
from agents.prompting import load
from app import reference
from app.cli.main import main
from app.operations.agents import list_agents, show_agent
from core.models import Rung
from tools.registry import ACTIONS, QUERIES

ROOT = Path(reference.__file__).parents[1]


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.name)
def test_an_agent_is_shown_as_it_is_declared(spec: object, capsys: pytest.CaptureFixture[str]) -> None:
    name = spec.name  # type: ignore[attr-defined]
    assert main(["agents", "show", name, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["version"] == spec.version  # type: ignore[attr-defined]
    jsonschema.Draft202012Validator.check_schema(found["output_schema"])
    prompted = spec.prompted or spec.studied  # type: ignore[attr-defined]
    assert (found["prompt"] is None) is (prompted is None)
    if prompted is None:
        assert found["rungs"] == [Rung.RULES]
        return
    assert found["rungs"] == [Rung.RULES, Rung.LOCAL, Rung.FRONTIER]
    prompt = found["prompt"]
    wording = (ROOT / prompt["file"]).read_text().strip()
    assert load(prompted.prompt).own == wording
    assert prompt["hash"] == load(prompted.prompt).hash
    assert all(f"{{{{{name}}}}}" in wording for name in prompt["variables"])
    jsonschema.Draft202012Validator.check_schema(prompt["response_schema"])


def test_only_an_agent_that_may_look_has_tools_and_no_agent_has_actions() -> None:
    may_call = {each.name: set(shown.prompt.may_call) for each in ALL if (shown := show_agent(each.name)).prompt}
    assert may_call["rca"] == {*QUERIES, "recall_result"}
    assert not may_call["classifier"]
    assert not any(names & set(ACTIONS) for names in may_call.values())


def test_people_read_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agents", "show", "rca"]) == 0
    said = capsys.readouterr().out
    assert "agents/prompts/rca.md" in said
    assert "rules, local, frontier" in said
    assert "recall_result" in said


def test_what_is_asked_after_an_incident_is_shown_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agents", "show", "log_classifier"]) == 0
    said = capsys.readouterr().out
    assert "agents/prompts/log_classifier.md" in said
    assert "rules, local, frontier" in said
    assert "log_classification, once no decision waits for it" in said
    deciding = {each.name: shown.prompt.decides for each in ALL if (shown := show_agent(each.name)).prompt}
    assert [name for name, decides in deciding.items() if not decides] == ["log_classifier"]


def test_an_unknown_agent_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agents", "show", "nobody"]) == 1
    said = capsys.readouterr().err
    assert all(each.name in said for each in list_agents().agents)
