"""Channel: a Slack incoming webhook."""

from __future__ import annotations

from pydantic import Field, SecretStr

from core.models import Model


class SlackSettings(Model):
    """One Slack incoming webhook (`notify.slack` in quell.yaml)."""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[\w.-]+$", description="unique among the Slack webhooks")
    url: SecretStr = Field(
        description="https://hooks.slack.com/services/...; whoever has it can post, so it is never shown"
    )
    timeout_seconds: float = Field(default=10.0, gt=0)
