"""Log templates: what is masked, how severe a line is, and that memory stays bounded."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.logs.templates import MAX_TEMPLATE_CHARACTERS, OVERFLOW, mask, mine, parse
from core.frames import LogLine
from core.models import Severity
from tests.analysis.shop import BASELINE, CONFIG, END, WINDOW


def line(text: str, seconds_ago: float = 1.0, severity: Severity | None = None) -> LogLine:
    return LogLine(at=END - timedelta(seconds=seconds_ago), service="cart", text=text, severity=severity)


@pytest.mark.parametrize(
    ("message", "template"),
    [
        ("order 17 took 3.5 ms", "order <n> took <n> ms"),
        ("peer 10.0.0.7:8080 refused", "peer <address> refused"),
        ("trace 4bf92f3577b34da6a3ce929d0e0e4736 ends", "trace <id> ends"),
        ("job 6f1c2d3e-aaaa-bbbb-cccc-0123456789ab ok", "job <id> ok"),
        ("feedface decade", "feedface decade"),
        ("user  u37 of   node-12a at -3.5", "user u<n> of node-<n>a at <n>"),
    ],
)
def test_what_varies_is_masked_and_words_are_kept(message: str, template: str) -> None:
    assert mask(message) == template


@pytest.mark.parametrize(
    ("text", "message", "severity"),
    [
        (json.dumps({"level": "error", "msg": "no stock"}), "no stock", Severity.CRITICAL),
        (json.dumps({"severity": "WARN", "message": "late"}), "late", Severity.WARNING),
        (json.dumps({"level": "info", "msg": "error budget read"}), "error budget read", Severity.INFO),
        ("Traceback (most recent call last):", "Traceback (most recent call last):", Severity.CRITICAL),
        ("retrying in 2 s", "retrying in 2 s", Severity.WARNING),
        ("{not json at all: failed", "{not json at all: failed", Severity.CRITICAL),
        ("[1, 2]", "[1, 2]", Severity.INFO),
    ],
)
def test_message_and_severity_are_read_from_json_or_words(text: str, message: str, severity: Severity) -> None:
    assert parse(line(text)) == (message, severity)


def test_the_severity_that_the_source_knows_wins() -> None:
    assert parse(line("error", severity=Severity.INFO)) == ("error", Severity.INFO)


def test_lines_are_counted_before_and_now_and_errors_come_first() -> None:
    lines = [line(f"served {n}", seconds_ago=n / 2) for n in range(44)]
    lines += [line(f"failed {n}", seconds_ago=2.0) for n in range(4)]
    failed, served = mine(lines, WINDOW, BASELINE, CONFIG)
    assert (failed.template, failed.before, failed.now, failed.first_at) == (
        "failed <n>",
        0,
        4,
        END - timedelta(seconds=2),
    )
    assert (served.before, served.now) == (29, 15)
    assert served.rate_now == pytest.approx(15 / 7)
    assert failed.surprise == 4
    assert abs(served.surprise) < 1


def test_lines_outside_both_windows_are_ignored() -> None:
    assert mine([line("late", -1.0), line("old", 23.0)], WINDOW, BASELINE, CONFIG) == ()


def test_templates_beyond_the_limit_share_a_row() -> None:
    config = CONFIG.model_copy(update={"max_log_templates": 10})
    lines = [line("word " + "abcdefghij"[n % 10] * (1 + n // 10)) for n in range(100)]
    stats = mine(lines, WINDOW, BASELINE, config)
    assert len(stats) == 11
    assert next(one.now for one in stats if one.template == OVERFLOW) == 90


@given(text=st.text(max_size=2000))
def test_any_text_has_a_bounded_template(text: str) -> None:
    (stats,) = mine([line(text)], WINDOW, BASELINE, CONFIG)
    assert len(stats.template) <= MAX_TEMPLATE_CHARACTERS
    assert len(stats.example) <= MAX_TEMPLATE_CHARACTERS
    assert mask(mask(text)) == mask(mask(mask(text)))
