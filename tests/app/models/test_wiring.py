"""What `quell serve` does with models: rungs for the graph, speeds measured, clients closed, nothing imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import structlog

from app.bootstrap import open_app
from app.models.speeds import AGAIN_SECONDS, RETRY_SECONDS, SpeedCheck
from app.settings import Settings
from clients.models.ollama import LocalModels
from clients.models.settings import LOCAL_DEADLINES, LocalSettings, ModelsSettings
from clients.models.speed import Measured, Speed
from core.clock import ManualClock
from core.errors import ModelUnavailable
from core.llm import Message, ModelRequest, ModelTask, Purpose, Speaker
from core.models import Rung
from stores.migrate import upgrade
from tests.fakes.ollama import ollama_server
from tests.fakes.script import Say, Script

QUICK = Speed(prompt_token_seconds=1e-5, output_token_seconds=1e-4)
SLOW = Speed(prompt_token_seconds=1e-3, output_token_seconds=0.1)


class Stopped(Exception):
    """Ends a loop that has no end."""


class Waits(ManualClock):
    """Notes how long is waited, and ends the loop after some waits."""

    def __init__(self, clock: ManualClock, most: int) -> None:
        super().__init__(clock.now())
        self.waited: list[float] = []
        self._most = most

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        if len(self.waited) >= self._most:
            raise Stopped


class Models:
    """Answers with what it was told to, in order."""

    def __init__(self, *answers: dict[str, Speed] | None, broken: str = "") -> None:
        self._answers = list(answers)
        self._broken = broken

    async def prepare(self) -> Measured:
        answer = self._answers.pop(0)
        if answer is None:
            raise ModelUnavailable("Ollama does not answer", fix="start it")
        return Measured(answer, {self._broken: ModelUnavailable("too large for the memory")} if self._broken else {})


async def test_the_graph_gets_the_rungs_that_are_configured(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[LocalModels] = []
    close = LocalModels.close

    async def note(self: LocalModels) -> None:
        closed.append(self)
        await close(self)

    monkeypatch.setattr(LocalModels, "close", note)
    async with ollama_server(Script.of(Say("edge crashed"))) as fake:
        settings = Settings(data_dir=tmp_path, models=ModelsSettings(local=LocalSettings(url=fake.url)))
        await upgrade(settings.store_url)
        async with open_app(settings, clock=clock) as app:
            assert list(app.models) == [Rung.LOCAL]
            reply = await app.models[Rung.LOCAL].complete(
                ModelRequest(
                    task=ModelTask.RCA,
                    messages=(Message(speaker=Speaker.USER, text="what broke?"),),
                    purpose=Purpose(agent="rca"),
                )
            )
            assert app.speeds is not None
            async with app.store.read() as tx:
                assert [call.model for call in await tx.spending.calls()] == ["mistral:7b"]
            assert not closed
    assert reply.text == "edge crashed"
    assert len(closed) == 1


def test_without_models_no_model_library_is_imported(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys, app.cli.models, app.doctor\n"
        "from pathlib import Path\n"
        "from app.bootstrap import open_app\n"
        "from app.settings import Settings\n"
        "from stores.migrate import upgrade\n"
        "async def main():\n"
        "    settings = Settings(data_dir=Path(sys.argv[1]))\n"
        "    await upgrade(settings.store_url)\n"
        "    async with open_app(settings) as app:\n"
        "        assert not app.models and app.speeds is None\n"
        "asyncio.run(main())\n"
        "names = ('openai', 'ollama', 'langchain_openai', 'langchain_ollama', 'rs_bpe', 'clients.models.ollama')\n"
        "print([name for name in names if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr


async def test_a_model_that_is_too_slow_is_told_at_start(clock: ManualClock) -> None:
    check = SpeedCheck(Models({"mistral:7b": SLOW, "phi3:mini": QUICK}), LOCAL_DEADLINES, clock)
    with structlog.testing.capture_logs() as told:
        assert await check.measure()
    slow = [
        (each["model"], each["task"], each["allowed_seconds"]) for each in told if each["event"] == "model_too_slow"
    ]
    assert ("mistral:7b", "anomaly", 0.5) in slow
    assert {model for model, *_ in slow} == {"mistral:7b"}


async def test_one_that_cannot_be_loaded_does_not_keep_the_others_from_being_judged(clock: ManualClock) -> None:
    check = SpeedCheck(Models({"mistral:7b": SLOW}, broken="phi3:medium"), LOCAL_DEADLINES, clock)
    with structlog.testing.capture_logs() as told, pytest.raises(ModelUnavailable, match="too large"):
        await check.measure()
    assert "mistral:7b" in {each["model"] for each in told if each["event"] == "model_too_slow"}


@pytest.mark.parametrize(
    ("answers", "waits"),
    [
        (({"phi3:mini": SLOW}, {"phi3:mini": SLOW}), [AGAIN_SECONDS, AGAIN_SECONDS]),
        ((None, None, {"phi3:mini": QUICK}), [RETRY_SECONDS, 2 * RETRY_SECONDS, AGAIN_SECONDS]),
    ],
)
async def test_it_measures_again_until_all_are_quick(
    answers: tuple[dict[str, Speed] | None, ...], waits: list[float], clock: ManualClock
) -> None:
    waiting = Waits(clock, most=len(waits))
    with pytest.raises(Stopped):
        await SpeedCheck(Models(*answers), LOCAL_DEADLINES, waiting).run()
    assert waiting.waited == waits
