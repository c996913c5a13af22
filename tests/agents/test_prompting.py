"""Prompts are filled in strictly, counted and hashed; their sections are bounded and say what was cut."""

from __future__ import annotations

from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.fencing import RULE
from agents.prompting import MAX_PROMPT_TOKENS, SHARED, Prompt, bounded, load
from core.llm import Speaker
from core.tokens import tokens

NAMES = sorted(
    path.name.removesuffix(".md") for path in files("agents").joinpath("prompts").iterdir() if path.name.endswith(".md")
)


@pytest.mark.parametrize("name", [name for name in NAMES if name != SHARED])
def test_every_prompt_loads_with_the_shared_part_and_leaves_room_for_its_variables(name: str) -> None:
    prompt = load(name)
    assert RULE in prompt.shared
    rendered = prompt.render(**dict.fromkeys(prompt.variables, "x"))
    assert "{{" not in rendered.text
    assert rendered.tokens == tokens(rendered.text) < MAX_PROMPT_TOKENS / 4
    assert [(each.speaker, each.text) for each in rendered.messages] == [
        (Speaker.SYSTEM, prompt.shared),
        (Speaker.USER, rendered.user),
    ]


def test_variables_are_strict() -> None:
    prompt = Prompt("greeting", "shared", 'Hello {{who}}, answer {"a": {"b": 1}}.')
    assert prompt.render(who="Ann").user == 'Hello Ann, answer {"a": {"b": 1}}.'
    with pytest.raises(ValueError, match=r"missing \['who'\]"):
        prompt.render()
    with pytest.raises(ValueError, match=r"unknown \['whom'\]"):
        prompt.render(who="Ann", whom="Bob")


def test_a_value_is_never_looked_into() -> None:
    rendered = Prompt("two", "", "{{a}} {{b}}").render(a="{{b}} \\1", b="secret")
    assert rendered.user == "{{b}} \\1 secret"


def test_the_hash_names_the_wording_and_not_the_values() -> None:
    prompt = Prompt("p", "shared", "Hello {{who}}")
    assert prompt.render(who="Ann").hash == prompt.render(who="Bob").hash == prompt.hash
    assert Prompt("p", "shared!", "Hello {{who}}").hash != prompt.hash != Prompt("p", "shared", "Hi {{who}}").hash


@pytest.mark.parametrize("name", ["nothing", SHARED, "../prompting", ""])
def test_what_is_no_prompt_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no prompt"):
        load(name)


@given(st.lists(st.text(max_size=40), max_size=30), st.integers(min_value=20, max_value=200))
def test_a_section_stays_within_its_bound_and_says_what_was_cut(rows: list[str], limit: int) -> None:
    text = bounded(rows, limit, "lines")
    assert tokens(text) <= limit
    if rows and sum(tokens(f"{row}\n") for row in rows) > limit:
        assert text.endswith("more lines are left out)")
    elif rows:
        assert text == "\n".join(rows)


def test_a_section_without_rows_says_so() -> None:
    assert bounded([], 10) == "(none)"
