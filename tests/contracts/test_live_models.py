"""What the fakes promise, asked of real models: `pytest -m live`, where OLLAMA_HOST or OPENAI_API_KEY point to some."""

from __future__ import annotations

import json
import os

import pytest

from app.operations.model_check import check_models
from app.operations.models import list_models, open_models
from app.settings import Settings
from core.llm import Message, ModelRequest, ModelTask, Purpose, Speaker

GIVEN = {name: os.environ[name] for name in ("OLLAMA_HOST", "OPENAI_API_KEY", "OPENAI_BASE_URL") if name in os.environ}
SCHEMA = {
    "type": "object",
    "properties": {"service": {"type": "string"}},
    "required": ["service"],
    "additionalProperties": False,
}

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        not {"OLLAMA_HOST", "OPENAI_API_KEY"} & set(GIVEN), reason="neither OLLAMA_HOST nor OPENAI_API_KEY is set"
    ),
]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """What the environment says."""
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    return Settings.load()


async def test_every_rung_answers_and_lists_its_models(settings: Settings) -> None:
    assert (await check_models(settings)).ok
    assert not (await list_models(settings)).problems


async def test_an_answer_obeys_its_schema_and_is_counted(settings: Settings) -> None:
    text = "The log says: payment refused connections. Which service is broken? Answer as JSON."
    asked = ModelRequest(
        task=ModelTask.RCA,
        messages=(Message(speaker=Speaker.USER, text=text),),
        response_schema=SCHEMA,
        deadline_seconds=120,
        purpose=Purpose(agent="live"),
    )
    async with open_models(settings, settings.clock) as rungs:
        for rung in rungs:
            reply = await rung.complete(asked)
            assert set(json.loads(reply.text)) == {"service"}
            assert reply.prompt_tokens > 0 < reply.output_tokens
