"""Channel: a Slack incoming webhook.

Sources: https://api.slack.com/messaging/webhooks, https://api.slack.com/reference/block-kit/blocks (limits) and
https://api.slack.com/reference/surfaces/formatting#escaping.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import httpx
from pydantic import Field, SecretStr

from alerting.channel import Endpoint
from alerting.messages import Message
from core.clock import Clock
from core.models import Model, Severity

_MAX_TITLE = 200
_MAX_SECTION = 2900
"""Slack takes 3000 characters in a section; the rest is for the words around the quoted data."""

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ICONS = {Severity.CRITICAL: ":red_circle:", Severity.WARNING: ":large_yellow_circle:", Severity.INFO: ":white_circle:"}


class SlackSettings(Model):
    """One Slack incoming webhook (`notify.slack` in quell.yaml)."""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[\w.-]+$", description="unique among the Slack webhooks")
    url: SecretStr = Field(
        description="https://hooks.slack.com/services/...; whoever has it can post, so it is never shown"
    )
    timeout_seconds: float = Field(default=10.0, gt=0)


class SlackChannel:
    """Posts messages as blocks, with a text for notifications and screen readers.

    Incoming webhooks know no idempotency key: a delivery whose answer was lost shows up twice.

    Raises:
        ConfigError: the URL is none.
    """

    def __init__(self, settings: SlackSettings, client: httpx.AsyncClient, clock: Clock) -> None:
        self.name = f"slack:{settings.name}"
        self._endpoint = Endpoint(self.name, settings.url, settings.timeout_seconds, client, clock)

    async def send(self, message: Message, key: str) -> None:
        """Post the message.

        Raises:
            NotificationError: it was not taken.
        """
        await self._endpoint.post(payload(message))


def payload(message: Message) -> dict[str, Any]:
    """The message in Slack's form, each part within Slack's limits."""
    title = escape(message.title, _MAX_TITLE)
    blocks = [_section(f"{_ICONS[message.severity]} *{title}*"), _section(escape(message.what, _MAX_SECTION))]
    if message.why:
        blocks.append(_section(f"*Why you:* {escape(message.why, _MAX_SECTION)}"))
    if message.steps:
        lines = "\n".join(f"{step.text}: `{step.command}`" for step in message.steps)
        blocks.append(_section(escape(lines, _MAX_SECTION)))
    facts = (message.incident_id, message.status, message.severity, message.service)
    blocks.append({"type": "context", "elements": [_text(escape(" · ".join(filter(None, facts)), _MAX_SECTION))]})
    return {
        "text": f"{title}: {escape(message.why or message.what, _MAX_SECTION)}",
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def escape(text: str, limit: int) -> str:
    """Text as data: no mention, link or command survives in it, and it is at most `limit` characters once escaped."""
    pieces = [_ESCAPES.get(character, character) for character in text[: limit + 1]]
    ends = list(accumulate(len(piece) for piece in pieces))
    if not ends or ends[-1] <= limit:
        return "".join(pieces)
    return "".join(piece for piece, end in zip(pieces, ends, strict=True) if end < limit) + "…"


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _text(text)}


def _text(text: str) -> dict[str, Any]:
    """`verbatim` keeps Slack from making links of what looks like a URL or a channel's name."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}
