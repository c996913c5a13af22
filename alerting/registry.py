"""The one place where channels are registered."""

from __future__ import annotations

from alerting.slack import SlackSettings
from alerting.webhook import WebhookSettings
from core.models import Model


class NotifySettings(Model):
    """Where a human is reached (`notify:` in quell.yaml); one field a kind of channel."""

    webhooks: tuple[WebhookSettings, ...] = ()
    slack: tuple[SlackSettings, ...] = ()
