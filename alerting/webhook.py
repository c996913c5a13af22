"""Channel: a JSON object posted to any HTTP endpoint."""

from __future__ import annotations

from pydantic import Field, SecretStr

from core.models import Model


class WebhookSettings(Model):
    """One generic webhook (`notify.webhooks` in quell.yaml)."""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[\w.-]+$", description="unique among the webhooks")
    url: SecretStr = Field(description="http or https; often carries a token, so it is never shown")
    timeout_seconds: float = Field(default=10.0, gt=0)
