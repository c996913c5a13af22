"""The one place where channels are registered: a field of `NotifySettings` and the class that serves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from alerting.channel import Channel
from alerting.slack import SlackChannel, SlackSettings
from alerting.webhook import WebhookChannel, WebhookSettings
from core.clock import Clock
from core.errors import ConfigError
from core.models import Model


class NotifySettings(Model):
    """Where a human is reached (`notify:` in quell.yaml); one field a kind of channel."""

    webhooks: tuple[WebhookSettings, ...] = ()
    slack: tuple[SlackSettings, ...] = ()


CHANNELS: Mapping[str, Callable[[Any, httpx.AsyncClient, Clock], Channel]] = {
    "webhooks": WebhookChannel,
    "slack": SlackChannel,
}
"""Field of `NotifySettings` to the channel that each of its entries makes."""


def build_channels(settings: NotifySettings, client: httpx.AsyncClient, clock: Clock) -> dict[str, Channel]:
    """Every configured channel by its name, such as `slack:oncall`.

    Raises:
        ConfigError: two channels share a name, or a URL is none.
    """
    channels: dict[str, Channel] = {}
    for field, channel_type in CHANNELS.items():
        for entry in getattr(settings, field):
            channel = channel_type(entry, client, clock)
            if channel.name in channels:
                raise ConfigError(f"two channels are called {channel.name}", fix=f"rename one under notify.{field}")
            channels[channel.name] = channel
    return channels
