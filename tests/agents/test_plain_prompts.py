"""Prompts of questions that nothing is decided by, as they are sent."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from agents.data_policy import DataPolicy
from agents.log_classifier import BATCH, classify_unknown
from agents.prompting import MAX_PROMPT_TOKENS
from agents.summaries.narrated import incident_text
from agents.summaries.text import TextKind
from core.models import Rung
from core.tokens import request_tokens, tokens
from tests.agents.summaries.samples import recorded
from tests.fakes.chat import ReciteModel


def silent() -> ReciteModel:
    return ReciteModel(["nothing", "nothing"])


async def test_the_wording_for_templates(snapshot: SnapshotAssertion) -> None:
    model = silent()
    await classify_unknown("cart", ("gronk frobbed <*> quux", "zork <*>"), {Rung.LOCAL: model}, DataPolicy())
    assert model.requests[0].messages[-1].text == snapshot
    assert model.requests[0].response_schema == snapshot


async def test_a_full_batch_fits() -> None:
    model = silent()
    await classify_unknown("c" * 300, tuple("\u20ac" * 300 for _ in range(BATCH)), {Rung.LOCAL: model}, DataPolicy())
    assert request_tokens(model.requests[0], tokens) < MAX_PROMPT_TOKENS


@pytest.mark.parametrize("kind", list(TextKind))
async def test_the_wording_for_texts(kind: TextKind, snapshot: SnapshotAssertion) -> None:
    model = silent()
    await incident_text(kind, recorded(), {Rung.LOCAL: model}, DataPolicy())
    assert model.requests[0].messages[-1].text == snapshot
