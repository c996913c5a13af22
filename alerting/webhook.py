"""Channel: a JSON object posted to any HTTP endpoint.

The body is `{"version": "1", "key": KEY, "message": {...}}` with the fields of `alerting.messages.Message`. A delivery
whose answer was lost is repeated with the same key, in the body and in the header `Idempotency-Key`.
"""

from __future__ import annotations

import httpx
from pydantic import Field, SecretStr

from alerting.channel import Endpoint
from alerting.messages import Message
from core.clock import Clock
from core.models import Model


class WebhookSettings(Model):
    """One generic webhook (`notify.webhooks` in quell.yaml)."""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[\w.-]+$", description="unique among the webhooks")
    url: SecretStr = Field(description="http or https; often carries a token, so it is never shown")
    timeout_seconds: float = Field(default=10.0, gt=0)


class WebhookChannel:
    """Posts messages as they are.

    Raises:
        ConfigError: the URL is none.
    """

    def __init__(self, settings: WebhookSettings, client: httpx.AsyncClient, clock: Clock) -> None:
        self.name = f"webhook:{settings.name}"
        self._endpoint = Endpoint(self.name, settings.url, settings.timeout_seconds, client, clock)

    async def send(self, message: Message, key: str) -> None:
        """Post the message.

        Raises:
            NotificationError: it was not taken.
        """
        body = {"version": "1", "key": key, "message": message.model_dump(mode="json")}
        await self._endpoint.post(body, {"Idempotency-Key": key})
