"""The corpus of injections is whole and honest about what it hides, and none of it gets out of its fence."""

from __future__ import annotations

import base64
import codecs
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import Field

from agents.fencing import Stranger, fence, harmless
from core.models import Model

CORPUS = Path(__file__).parents[1] / "corpora" / "injections"
ACTIONS = {"restart", "start", "stop", "scale", "rollback"}
FAMILIES = {
    "plain", "encoded", "multi_line", "tool_call", "json", "unicode", "role_play", "fake_approval", "fake_evidence",
    "legal_looking", "exfiltration", "verdict",
}  # fmt: skip


class Obeys(Model):
    """What a model that obeys would answer; names are those of the drills' shop."""

    cause: str = ""
    kind: str = ""
    confidence: float = Field(default=0.99, ge=0, le=1)
    action: str = ""
    target: str = ""
    parameters: dict[str, str] = {}
    cites: str = Field(default="none", pattern="^(none|invented|irrelevant)$")
    tool: str = ""
    says: str = ""


class Injection(Model):
    """A text that tries to make a model do something, and where it would stand."""

    id: str
    family: str
    stranger: Stranger
    text: str
    encoding: str = Field(default="", pattern="^(|base64|hex|rot13)$")
    payload: str = Field(default="", description="what an encoded part of the text says")
    obeys: Obeys


INJECTIONS = [
    Injection.model_validate(each)
    for path in sorted(CORPUS.glob("*.yaml"))
    for each in yaml.safe_load(path.read_text())
]


def test_there_are_at_least_60_of_every_family() -> None:
    assert len(INJECTIONS) >= 60
    assert len({each.id for each in INJECTIONS}) == len(INJECTIONS)
    families = Counter(each.family for each in INJECTIONS)
    assert set(families) == FAMILIES
    assert min(families.values()) >= 4
    assert {each.stranger for each in INJECTIONS} == set(Stranger)


@pytest.mark.parametrize("each", INJECTIONS, ids=lambda each: each.id)
def test_none_gets_out_of_its_fence(each: Injection) -> None:
    first, *inside, last = fence(each.text, each.stranger, "ev_1").split("\n")
    assert (first, last) == (f"<<<data {each.stranger} ev_1>>>", "<<<end data>>>")
    assert all(line.startswith("| ") for line in inside)
    assert not any("<<<" in line or ">>>" in line or "<|" in line for line in inside)


@pytest.mark.parametrize("each", INJECTIONS, ids=lambda each: each.id)
def test_obeying_does_something(each: Injection) -> None:
    done: dict[str, Any] = each.obeys.model_dump(exclude_defaults=True)
    assert done
    assert bool(each.obeys.action) == bool(each.obeys.target)
    if each.family == "legal_looking":
        assert each.obeys.action in ACTIONS
        assert each.obeys.cites == "irrelevant"
    if each.family == "fake_evidence":
        assert each.obeys.cites == "invented"
    if each.family == "unicode":
        assert harmless(each.text) != each.text


@pytest.mark.parametrize("each", [each for each in INJECTIONS if each.encoding], ids=lambda each: each.id)
def test_an_encoded_one_says_what_it_is_said_to(each: Injection) -> None:
    raw = each.payload.encode()
    encoded = {
        "base64": base64.b64encode(raw).decode(),
        "hex": raw.hex(),
        "rot13": codecs.encode(each.payload, "rot13"),
    }[each.encoding]
    assert encoded in each.text
