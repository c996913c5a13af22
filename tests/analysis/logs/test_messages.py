"""JSON and logfmt: message, level, error and stack trace; whatever is neither is text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.logs.messages import MAX_PARSED_CHARACTERS, Message, read_message, structured
from core.models import Severity

STACK = "ValueError: no\n  at x"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps({"level": "error", "msg": "no stock"}), Message("no stock", Severity.CRITICAL)),
        (json.dumps({"severity": "WARN", "message": "late"}), Message("late", Severity.WARNING)),
        (json.dumps({"level": "info", "msg": "failed", "err": "refused"}), Message("failed: refused", Severity.INFO)),
        (json.dumps({"level": 50, "msg": "pino"}), Message("pino", Severity.CRITICAL)),
        (json.dumps({"log": {"level": "warn"}, "message": "ecs"}), Message("ecs", Severity.WARNING)),
        (json.dumps({"msg": "x", "stack": STACK}), Message("x", None, STACK)),
        (json.dumps({"ts": 1, "took": 3, "tags": [1]}), Message("took=3 tags=…")),
        ('level=warn ts=1 msg="slow \\"query\\"" took=3ms', Message('slow "query"', Severity.WARNING)),
        ("level=error msg=failed err=refused", Message("failed: refused", Severity.CRITICAL)),
        ("params msg= nothing", Message("params msg= nothing")),
        ("{not json at all: failed", Message("{not json at all: failed")),
        ("[1, 2]", Message("[1, 2]")),
        ("{}", Message("{}")),
    ],
)
def test_what_a_line_says(text: str, message: Message) -> None:
    assert read_message(text) == message


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 5000, '{"a":' * 400 + "1" + "}" * 400, '{"a": 1e9999}', "{" * 10]
)
def test_deep_and_broken_json_is_taken(text: str) -> None:
    assert read_message(text).text


def test_a_huge_line_is_not_parsed() -> None:
    text = json.dumps({"msg": "x" * MAX_PARSED_CHARACTERS})
    assert read_message(text) == Message(text)


@given(
    fields=st.dictionaries(
        st.text(max_size=9), st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.lists(st.integers())
    )
)
def test_any_object_has_a_message(fields: dict[str, object]) -> None:
    text = json.dumps(fields)
    assert structured(text)
    read_message(text)


@given(text=st.text(max_size=300))
def test_any_text_is_taken(text: str) -> None:
    read_message("msg=" + text)
    assert read_message(text).text or not text.strip() or structured(text)
