"""The wiring of sources: servers that are away cost a warning, not the start; what runs is looked at again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from app.settings import Settings
from app.sources import open_sources
from core.clock import ManualClock
from core.errors import ConfigError, SourceRejected
from core.frames import LogQuery
from core.models import Identity, Service, Window
from tests.fakes.wire import Asked, Reply, wire
from tools.inventory import Inventory


async def test_servers_that_are_away_are_no_reason_not_to_start(clock: ManualClock, tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {
            "data_dir": str(tmp_path),
            "services": [{"name": "web", "identity": {"container": "web"}}],
            "prometheus": {"url": "http://127.0.0.1:9"},
            "docker": {"url": f"unix://{tmp_path}/no.sock"},
            "alertmanager": {"url": "http://127.0.0.1:9"},
        }
    )
    opened = await open_sources(settings, clock)
    try:
        web = opened.inventory.get("web")
        assert web is not None
        actuator = opened.sources.actuator_for(web)
        assert actuator is not None
        assert actuator.name == "docker"
        assert opened.sources.metrics.name == "prometheus"
        assert opened.alertmanager is not None
        assert {"scrape", "discover", "engine"} <= set(opened.loops)
    finally:
        await opened.close()


async def test_without_any_server_the_embedded_sources_stand_in(clock: ManualClock, tmp_path: Path) -> None:
    opened = await open_sources(Settings.model_validate({"data_dir": str(tmp_path)}), clock)
    assert (opened.sources.metrics.name, opened.engine, opened.alertmanager) == ("scrape", None, None)
    assert opened.spans is not None
    assert opened.sources.traces is opened.spans


async def test_the_log_of_a_container_that_appears_later_is_asked_of_the_engine(
    clock: ManualClock, tmp_path: Path
) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/version":
            return Reply(b'{"Version": "24.0", "ApiVersion": "1.43", "MinAPIVersion": "1.12"}')
        if asked.path.endswith("/containers/late/json"):
            return Reply(b'{"Id": "1", "Config": {"Tty": true}}')
        if asked.path.endswith("/containers/late/logs"):
            return Reply(f"{clock.now():%Y-%m-%dT%H:%M:%S}.000000000Z hello\n".encode(), content_type="text/plain")
        return Reply(b"{}" if asked.path.endswith("/info") else b"[]")

    async with wire(answer) as server:
        settings = Settings.model_validate({"data_dir": str(tmp_path), "docker": {"url": server.url}})
        opened = await open_sources(settings, clock)
        now = clock.now()
        ask = LogQuery(service="late", window=Window(start=now, end=now + timedelta(seconds=1)))
        with pytest.raises(SourceRejected, match="no log file is known"):
            await opened.sources.logs.query(ask)
        opened.inventory.replace([Service(name="late", identity=Identity(container="late"))])
        assert [line.text for line in (await opened.sources.logs.query(ask)).lines] == ["hello"]
        opened.inventory.replace([])
        with pytest.raises(SourceRejected):
            await opened.sources.logs.query(ask)
        await opened.close()


def test_an_inventory_that_is_looked_at_again_changes_in_place_or_not_at_all() -> None:
    inventory = Inventory([Service(name="a", dependencies=("b",)), Service(name="b")])
    inventory.replace([Service(name="b"), Service(name="c", dependencies=("b",))])
    assert [service.name for service in inventory.all()] == ["b", "c"]
    assert inventory.dependents("b") == {"c"}
    with pytest.raises(ConfigError, match="more than one service is called b"):
        inventory.replace([Service(name="b"), Service(name="b")])
    assert [service.name for service in inventory.all()] == ["b", "c"]
