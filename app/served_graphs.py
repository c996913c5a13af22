"""What langgraph.json names: the graphs for `langgraph dev`, on the configuration in `quell.yaml` of the folder.

Format: https://docs.langchain.com/langsmith/application-structure#configuration-file. A factory without arguments
returns a graph; the server brings its own checkpoints.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from app.bootstrap import open_app
from app.investigation import as_payload
from app.settings import Settings
from events.alertmanager import parse
from graphs.investigation import incident_of
from graphs.scratch import scratch_lease, scratch_store
from graphs.served import Opened, ServedGraph, build_served_incident, build_served_looking


def incident() -> ServedGraph:
    """From an alert to its investigation."""
    return build_served_incident(_world)


def looking() -> ServedGraph:
    """A question about an alert, answered by a model that looks for itself."""
    return build_served_looking(_world)


@asynccontextmanager
async def _world(alert: dict[str, Any]) -> AsyncIterator[Opened]:
    """The sources and models of the configuration; nothing of Quell is started, and its store keeps costs only."""
    alerts = parse(as_payload(json.dumps(alert).encode()))
    settings = await asyncio.to_thread(Settings.load, None)  # the server refuses calls that block its loop
    async with open_app(settings) as app:
        begun = incident_of(alerts, app.inventory, app.clock)
        async with scratch_store(app.clock, begun, alerts) as store:
            lease = await scratch_lease(store, begun.id)
            yield Opened(begun, tuple(alerts), app.investigate.context(store, lease))
