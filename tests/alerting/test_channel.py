"""How channels speak HTTP: which answers are retried, and that no URL gets out."""

from __future__ import annotations

import logging
import traceback
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from alerting.channel import Endpoint
from clients.retry_after import retry_after_seconds
from core.clock import ManualClock
from core.errors import ConfigError, NotificationError
from tests.receiver import Answer, Receiver

SECRET = "T0KEN/s3cr3t"
NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


def endpoint(url: str, client: httpx.AsyncClient, timeout_seconds: float = 5.0) -> Endpoint:
    return Endpoint("webhook:ops", SecretStr(url), timeout_seconds, client, ManualClock(NOON))


async def failure(url: str, client: httpx.AsyncClient, timeout_seconds: float = 5.0) -> NotificationError:
    with pytest.raises(NotificationError) as caught:
        await endpoint(url, client, timeout_seconds).post({"a": 1})
    return caught.value


async def test_any_2xx_is_success(server: Receiver, client: httpx.AsyncClient) -> None:
    server.script = [Answer(status=204, body=b"")]
    await endpoint(f"{server.origin}/x", client).post({"a": 1}, {"Idempotency-Key": "k"})
    (request,) = server.requests
    assert (request.path, request.json, request.headers["Idempotency-Key"]) == ("/x", {"a": 1}, "k")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
async def test_passing_trouble_is_retryable(status: int, server: Receiver, client: httpx.AsyncClient) -> None:
    server.script = [Answer(status=status, headers={"Retry-After": "7"})]
    error = await failure(server.origin, client)
    assert error.retryable
    assert error.retry_after_seconds == 7.0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_a_refusal_is_final(status: int, server: Receiver, client: httpx.AsyncClient) -> None:
    server.script = [Answer(status=status, body=b"no_service")]
    error = await failure(server.origin, client)
    assert not error.retryable
    assert str(status) in error.message
    assert "no_service" in error.message


async def test_a_redirect_is_final_and_not_followed(server: Receiver, client: httpx.AsyncClient) -> None:
    server.script = [Answer(status=307, headers={"Location": f"{server.origin}/elsewhere"})]
    assert not (await failure(server.origin, client)).retryable
    assert len(server.requests) == 1


async def test_an_answer_is_quoted_only_when_it_is_an_error_code(server: Receiver, client: httpx.AsyncClient) -> None:
    server.script = [Answer(status=400, body=b"<script> " + SECRET.encode() * 1000)]
    assert (await failure(server.origin, client)).message == "webhook:ops: answered 400"


async def test_silence_is_retryable(server: Receiver, client: httpx.AsyncClient) -> None:
    server.script = [Answer(hold=True)]
    error = await failure(server.origin, client, timeout_seconds=0.1)
    assert error.retryable
    assert "0.1 s" in error.message


async def test_the_secret_is_in_no_error_traceback_or_log(
    server: Receiver, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.script = [Answer(), Answer(status=500), Answer(status=404), Answer(hold=True)]
    url = f"{server.origin}/{SECRET}"
    await endpoint(url, client).post({})
    errors = [await failure(url, client), await failure(url, client), await failure(url, client, 0.1)]
    errors.append(await failure(f"http://127.0.0.1:1/{SECRET}", client))
    told = [caplog.text, *("".join(traceback.format_exception(error)) + repr(error) for error in errors)]
    assert "HTTP Request: POST http://127.0.0.1/…" in caplog.text
    assert not [text for text in told if "s3cr3t" in text]
    assert all(error.__cause__ is None and error.__suppress_context__ for error in errors[2:])


@pytest.mark.parametrize("url", ["", "ftp://host/s3cr3t", "s3cr3t", "http://", "http://host:s3cr3t"])
async def test_a_url_that_is_none_is_a_config_error_without_it(url: str, client: httpx.AsyncClient) -> None:
    with pytest.raises(ConfigError, match="webhook:ops") as caught:
        endpoint(url, client)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("Tue, 03 Mar 2026 12:01:30 GMT", 90.0),
        ("Tue, 03 Mar 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("-5", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after_seconds(value, NOON) == seconds


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,3} [A-Z][a-z]{2} \d{1,6} \d{2}:\d{2}:\d{2} [-+]?\w+"))
def test_any_retry_after_is_survived(value: str) -> None:
    seconds = retry_after_seconds(value, NOON)
    assert seconds is None or seconds >= 0
