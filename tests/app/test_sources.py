"""The wiring of sources: servers that are away cost a warning, not the start; what runs is looked at again."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import Settings
from app.sources import open_sources
from core.clock import ManualClock
from core.errors import ConfigError
from core.models import Service
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


def test_an_inventory_that_is_looked_at_again_changes_in_place_or_not_at_all() -> None:
    inventory = Inventory([Service(name="a", dependencies=("b",)), Service(name="b")])
    inventory.replace([Service(name="b"), Service(name="c", dependencies=("b",))])
    assert [service.name for service in inventory.all()] == ["b", "c"]
    assert inventory.dependents("b") == {"c"}
    with pytest.raises(ConfigError, match="more than one service is called b"):
        inventory.replace([Service(name="b"), Service(name="b")])
    assert [service.name for service in inventory.all()] == ["b", "c"]
