"""Where the stack's files are, read once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from app.settings import Settings
from tools.inventory import Inventory

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "infrastructure"
COMPOSE_FILE = FOLDER / "compose" / "compose.yaml"


@cache
def load(path: str) -> Any:
    """A YAML file below infrastructure/."""
    return yaml.safe_load((FOLDER / path).read_text(encoding="utf-8"))


def services() -> dict[str, dict[str, Any]]:
    """The services of the Compose file, anchors and merges applied."""
    found: dict[str, dict[str, Any]] = load("compose/compose.yaml")["services"]
    return found


def alerts() -> list[dict[str, Any]]:
    """The alerting rules."""
    return [rule for group in load("prometheus/rules/alerts.yml")["groups"] for rule in group["rules"]]


def targets() -> dict[str, str]:
    """Address and `service` of every target of Prometheus."""
    return {
        address: entry["labels"]["service"]
        for job in load("prometheus/prometheus.yml")["scrape_configs"]
        for entry in job["static_configs"]
        for address in entry["targets"]
    }


def settings() -> Settings:
    """quell.yaml of the stack, as Quell reads it."""
    return Settings(**load("quell/quell.yaml"))


def inventory() -> Inventory:
    """What quell.yaml of the stack knows."""
    return Inventory(settings().services)
