"""Fitting, counting, routing, speed and the breaker, each by itself."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from clients.models.breaker import Breaker
from clients.models.contexts import bucket_for, fit, without_middle
from clients.models.counting import CorrectedEstimate, o200k_tokens, request_tokens
from clients.models.openai import is_closed, limit_name
from clients.models.routing import Need, route
from clients.models.settings import FrontierSettings, LocalSettings, ModelChoice
from clients.models.speed import Speed, expected_seconds
from core.clock import ManualClock
from core.errors import ModelUnavailable, SourceRejected, SourceUnavailable
from core.llm import Message, ModelRequest, ModelTask, Purpose, Speaker
from core.tokens import tokens

CHOICE = LocalSettings().choice
FENCED = st.lists(
    st.sampled_from(["<data id=1>\n", "</data>\n", "a log line\n", "x" * 700 + "\n", "é" * 9]), max_size=60
)


def conversation(*said: tuple[Speaker, str]) -> ModelRequest:
    messages = tuple(Message(speaker=speaker, text=text) for speaker, text in said)
    return ModelRequest(task=ModelTask.RCA, messages=messages, purpose=Purpose(agent="rca"))


@given(needed=st.integers(0, 100_000), largest=st.integers(512, 200_000))
def test_contexts_are_buckets_within_what_is_allowed(needed: int, largest: int) -> None:
    found = bucket_for(needed, largest)
    assert found <= largest
    assert found in (4096, 8192, 16384, 32768) or found == largest < 4096
    assert found >= needed or bucket_for(needed + 50_000, largest) == found


@given(text=FENCED.map("".join), limit=st.integers(30, 2000), system=st.text(max_size=30))
def test_what_fits_is_unchanged_and_what_does_not_is_shortened_within_the_limit(
    text: str, limit: int, system: str
) -> None:
    asked = conversation((Speaker.SYSTEM, system), (Speaker.USER, text))
    try:
        fitted, notes = fit(asked, limit, tokens)
    except SourceRejected:
        assert request_tokens(asked, tokens) > limit
        return
    assert request_tokens(fitted, tokens) <= limit
    assert (fitted == asked) is (not notes) is (request_tokens(asked, tokens) <= limit)
    assert fitted.messages[0] == asked.messages[0]


@given(lines=FENCED, limit=st.integers(60, 600))
def test_lines_that_fence_data_stay_so_that_nothing_leaves_its_fence(lines: list[str], limit: int) -> None:
    text = "".join(line if line.endswith("\n") else line + "\n" for line in lines)
    shorter, lost = without_middle(text, limit, tokens)
    fences = [line for line in text.splitlines() if line.startswith("<")]
    assert [line for line in shorter.splitlines() if line.startswith("<")] == fences
    assert (lost == 0) is (shorter == text)


def test_old_answers_of_tools_go_before_anything_else() -> None:
    said = ((Speaker.TOOL, f"{index} " * 300) for index in range(3))
    asked = conversation((Speaker.SYSTEM, "s"), (Speaker.USER, "u"), *said)
    fitted, notes = fit(asked, 500, tokens)
    texts = [each.text for each in fitted.messages]
    assert texts[:3] == ["s", "u", "[left out to fit the model; call the tool again]"]
    assert texts[4] == asked.messages[4].text
    assert "left out 1 old tool answers" in notes[0]


def test_instructions_that_are_too_long_are_refused_and_not_cut() -> None:
    with pytest.raises(SourceRejected, match="what must stay of it is longer"):
        fit(conversation((Speaker.SYSTEM, "word " * 1000), (Speaker.USER, "u")), 500, tokens)
    with pytest.raises(SourceRejected):
        fit(conversation((Speaker.SYSTEM, "word " * 1000)), 500, tokens)


def test_two_long_messages_share_the_loss() -> None:
    both = conversation((Speaker.USER, "a line\n" * 2000), (Speaker.USER, "b line\n" * 2000))
    fitted, _ = fit(both, 3000, tokens)
    assert all(len(each.text) > 2000 for each in fitted.messages)


def test_tokens_are_counted_by_the_vocabulary_of_gpt_4o() -> None:
    assert [o200k_tokens(text) for text in ("", "hello world", "CPU 96% > 90%")] == [0, 2, 8]


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=20))
def test_the_estimate_stays_within_its_bounds(counts: list[int]) -> None:
    estimate = CorrectedEstimate()
    asked = conversation((Speaker.USER, "word " * 100))
    for counted in counts:
        estimate.correct("m", asked, counted)
    assert 0.5 <= estimate.factor("m") <= 2
    assert estimate.factor("other") == 1
    plain = request_tokens(asked, tokens)
    if plain * 0.5 <= counts[-1] <= plain * 1.9:
        assert request_tokens(asked, estimate.counter("m")) >= counts[-1] - 4, "an upper estimate, but for the marks"


@pytest.mark.parametrize(
    ("need", "model"),
    [
        (Need(ModelTask.ANOMALY, urgent=True), "phi3:mini"),
        (Need(ModelTask.ANOMALY), "mistral:7b"),
        (Need(ModelTask.LOG_CLASSIFICATION), "phi3:medium"),
        (Need(ModelTask.RCA), "mistral:7b"),
        (Need(ModelTask.SUMMARY, agent="assistant"), "llama3.2:latest"),
    ],
)
def test_the_defaults_of_the_router(need: Need, model: str) -> None:
    choice = CHOICE.model_copy(update={"agents": {"assistant": "llama3.2"}})
    pulled = ("phi3:mini", "mistral:7b", "phi3:medium", "llama3.2:latest", "llama3.3:70b")
    found = route(choice, need, pulled, {})
    assert (found.model, found.notes) == (model, ())


def test_the_defaults_of_deadlines_and_models() -> None:
    local, frontier = LocalSettings(), FrontierSettings()
    assert {task: local.deadlines[task] for task in (ModelTask.ANOMALY, ModelTask.CLASSIFICATION)} == {
        ModelTask.ANOMALY: 0.5,
        ModelTask.CLASSIFICATION: 2.0,
    }
    assert local.deadlines[ModelTask.LOG_CLASSIFICATION] == 2.0
    assert set(local.deadlines) == set(frontier.deadlines) == set(ModelTask), "no task may take for ever"
    assert frontier.choice.named == ("gpt-4o",)
    changed = LocalSettings(deadlines={ModelTask.RCA: 12.0, ModelTask.PLANNING: 3.0})
    assert changed.deadlines == {**local.deadlines, ModelTask.RCA: 12.0, ModelTask.PLANNING: 3.0}
    with pytest.raises(ValidationError, match="above 0 seconds"):
        LocalSettings(deadlines={ModelTask.RCA: 0})


NAMES = st.lists(st.sampled_from(["a:1", "b:1", "c:1", "d:1"]), unique=True)


@given(pulled=NAMES, slow=NAMES)
def test_only_what_is_pulled_and_quick_is_asked_and_another_than_wanted_aloud(
    pulled: list[str], slow: list[str]
) -> None:
    too_slow = {name: f"{name} is slow" for name in slow}
    choice, need = ModelChoice(default="a:1", urgent="b:1"), Need(ModelTask.RCA)
    may = {"a:1", "b:1"} & set(pulled) or set(pulled)
    if may <= set(slow):
        with pytest.raises(ModelUnavailable) as told:
            route(choice, need, pulled, too_slow)
        assert all(f"{name} is slow" in told.value.message for name in may)
        return
    found = route(choice, need, pulled, too_slow)
    assert found.model in may - set(slow)
    assert (found.notes == ()) is (found.model == "a:1")


def test_speed_is_read_from_what_ollama_counts() -> None:
    details = {"prompt_eval_count": 100, "prompt_eval_duration": 10**9, "eval_count": 50, "eval_duration": 2 * 10**9}
    speed = Speed.of(details)
    assert speed == Speed(prompt_token_seconds=0.01, output_token_seconds=0.04)
    assert speed is not None
    assert expected_seconds(speed, ModelTask.RCA, 100, 10) == pytest.approx(1.4)
    assert Speed.of({**details, "prompt_eval_count": 1}) is None, "the prompt was in the cache"


async def test_half_open_lets_one_probe_through_and_a_cancelled_one_frees_the_way(clock: ManualClock) -> None:
    breaker = Breaker("it", 1, 10, (SourceUnavailable,), clock)
    with pytest.raises(SourceUnavailable), breaker.guard():
        raise SourceUnavailable("down")
    clock.advance(11)
    with breaker.guard(), pytest.raises(ModelUnavailable, match="being tried right now"), breaker.guard():
        raise AssertionError
    with breaker.guard():
        pass
    with pytest.raises(SourceUnavailable), breaker.guard():
        raise SourceUnavailable("down")
    clock.advance(11)
    with pytest.raises(asyncio.CancelledError), breaker.guard():
        raise asyncio.CancelledError
    with pytest.raises(SourceUnavailable), breaker.guard():
        raise SourceUnavailable("still down")
    with pytest.raises(ModelUnavailable, match="failed 2 times in a row"), breaker.guard():
        raise AssertionError


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.openai.com/v1", "max_completion_tokens"),
        ("https://eu.api.openai.com/v1", "max_completion_tokens"),
        ("https://mine.openai.azure.com/openai/v1/", "max_completion_tokens"),
        ("http://127.0.0.1:8080/v1", "max_tokens"),
        ("https://openai.com.example/v1", "max_tokens"),
        ("https://notopenai.com/v1", "max_tokens"),
    ],
)
def test_the_limit_of_an_answer_is_called_as_the_server_knows_it(url: str, name: str) -> None:
    assert limit_name(url) == name


def test_strict_only_where_the_schema_is_closed() -> None:
    closed = {"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": False}
    assert is_closed(closed)
    assert is_closed({"type": "array", "items": closed})
    assert not is_closed({**closed, "required": []})
    assert not is_closed({**closed, "properties": {"a": {"type": "object"}}})
    assert not is_closed({"anyOf": [closed, {"type": "object"}]})
