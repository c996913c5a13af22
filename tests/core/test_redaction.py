"""Secrets are hidden by the name of their key and by their shape; everything else stays readable."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from app.telemetry import configure_logging
from core.redaction import HIDDEN, is_secret_key, redact, redact_text

SECRETS = [
    "Bearer abcdefgh12345678",
    "authorization: Basic dXNlcjpwYXNz",
    "postgresql://quell:hunter2hunter2@db/quell",
    "https://hooks.slack.com/services/T000/B000/XXXXXXXXXXXX",
    "xoxb-123456789012-abcdefghijkl",
    "sk-proj-abcdefghijklmnop1234",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "https://example.org/?token=abcdef123",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_secret_is_hidden_in_any_text(secret: str) -> None:
    hidden = redact_text(f"before {secret} after")
    assert HIDDEN in hidden
    assert hidden.startswith("before ")
    assert hidden.endswith(" after")
    assert secret.split()[-1].split("@")[0][-8:] not in hidden


@pytest.mark.parametrize(
    "text", ["http://127.0.0.1:8420/api", "the risk-free skeleton", "12:30 user@example.org", "tokens: 40"]
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "key", ["token", "SLACK_BOT_TOKEN", "db.password", "apiKey", "api_key", "Authorization", "client-secret"]
)
def test_keys_that_hold_secrets(key: str) -> None:
    assert is_secret_key(key)
    assert redact({"outer": [{key: "hush"}]}) == {"outer": [{key: HIDDEN}]}


@pytest.mark.parametrize("key", ["tokenizer", "secretary", "key", "passport", "keyboard"])
def test_keys_that_do_not(key: str) -> None:
    assert redact({key: "open"}) == {key: "open"}


def test_numbers_are_no_secrets() -> None:
    assert redact({"token": 7, "tokens": 40}) == {"token": 7, "tokens": 40}


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    configure_logging(stream=stream)
    yield stream
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_log_line_is_one_json_object_with_its_context_and_without_secrets(logs: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(trace_id="t1", incident_id="inc_1"):
        structlog.get_logger("app").info("notified", token="hush", url=SECRETS[3], service="payment")
    (line,) = logs.getvalue().splitlines()
    entry = json.loads(line)
    assert (entry["event"], entry["trace_id"], entry["incident_id"]) == ("notified", "t1", "inc_1")
    assert (entry["level"], entry["logger"], entry["service"]) == ("info", "app", "payment")
    assert entry["at"].endswith("Z")
    assert entry["token"] == HIDDEN
    assert "XXXX" not in line


def test_libraries_log_the_same_way_and_tracebacks_are_redacted(logs: io.StringIO) -> None:
    try:
        raise ValueError(f"cannot connect to {SECRETS[2]}")
    except ValueError:
        logging.getLogger("some.library").exception("failed with %s", SECRETS[0])
    (line,) = logs.getvalue().splitlines()
    entry = json.loads(line)
    assert entry["logger"] == "some.library"
    assert "ValueError" in entry["exception"]
    assert "hunter2" not in line
    assert "abcdefgh" not in line


def test_requests_of_http_libraries_are_not_logged(logs: io.StringIO) -> None:
    for name in ("httpx", "uvicorn.access", "aiosqlite"):
        logging.getLogger(name).info("GET / 200")
    assert logs.getvalue() == ""
