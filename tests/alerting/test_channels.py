"""What each channel sends, at the wire, and that the registry makes them all."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.messages import Message, Step
from alerting.registry import CHANNELS, NotifySettings, build_channels
from alerting.slack import escape, payload
from core.clock import ManualClock
from core.errors import ConfigError
from core.models import Severity
from tests.receiver import Receiver

strangers_text = st.text(min_size=1, max_size=5000) | st.text(alphabet="&<>!@ a", min_size=1, max_size=5000)


def settings(origin: str) -> NotifySettings:
    return NotifySettings.model_validate(
        {
            "webhooks": [{"name": "ops", "url": f"{origin}/hook"}],
            "slack": [{"name": "ops", "url": f"{origin}/services/T"}],
        }
    )


async def test_the_webhook_sends_the_message_and_its_key(
    server: Receiver, client: httpx.AsyncClient, clock: ManualClock, message: Message
) -> None:
    await build_channels(settings(server.origin), client, clock)["webhook:ops"].send(message, "inc_1/human")
    (request,) = server.requests
    assert request.path == "/hook"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Idempotency-Key"] == "inc_1/human"
    assert request.json == {"version": "1", "key": "inc_1/human", "message": message.model_dump(mode="json")}


async def test_slack_gets_blocks_and_a_text(
    server: Receiver, client: httpx.AsyncClient, clock: ManualClock, message: Message
) -> None:
    await build_channels(settings(server.origin), client, clock)["slack:ops"].send(message, "inc_1/human")
    (request,) = server.requests
    assert request.path == "/services/T"
    assert request.json["text"] == "ErrorRate on gateway: the restart did not help"
    texts = [block["text"]["text"] for block in request.json["blocks"] if block["type"] == "section"]
    assert texts == [
        ":red_circle: *ErrorRate on gateway*",
        "Cause: crash in payment, confidence 92%.",
        "*Why you:* the restart did not help",
        "Take it: `quell incidents acknowledge inc_1`",
    ]
    context = request.json["blocks"][-1]
    assert context["elements"][0]["text"] == "inc_1 · escalated · critical · gateway"


@given(strangers_text, strangers_text, strangers_text)
def test_whatever_strangers_write_slack_takes_it_as_data(title: str, what: str, why: str) -> None:
    step = Step(text=what, command=why)
    sent = payload(Message(title=title, severity=Severity.INFO, service=what, what=what, why=why, steps=(step,) * 9))
    texts = [block["text"] if block["type"] == "section" else block["elements"][0] for block in sent["blocks"]]
    assert all(0 < len(text["text"]) <= 3000 and text["verbatim"] for text in texts)
    assert not [text for text in (*(text["text"] for text in texts), sent["text"]) if "<" in text or ">" in text]


@given(strangers_text, st.integers(1, 50))
def test_escaped_text_is_bounded_and_never_cut_within_an_escape(text: str, limit: int) -> None:
    escaped = escape(text, limit)
    assert len(escaped) <= limit
    bare = escaped.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert not set(bare) & set("&<>")


def test_text_that_fits_is_kept_whole() -> None:
    assert escape("a<b", 6) == "a&lt;b"
    assert escape("a<bc", 6) == "a&lt;…"
    assert escape("a<b", 5) == "a…"


def test_each_kind_of_channel_has_its_settings() -> None:
    assert set(CHANNELS) == set(NotifySettings.model_fields)


async def test_two_channels_of_one_name_are_refused(client: httpx.AsyncClient, clock: ManualClock) -> None:
    twice = NotifySettings.model_validate({"slack": [{"name": "ops", "url": "https://a.example"}] * 2})
    with pytest.raises(ConfigError, match="slack:ops"):
        build_channels(twice, client, clock)
