"""What Loki, Vector, the collector and Grafana are told, as far as it can be checked without running them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from app.metrics import Metrics
from core.models import Escalation, EscalationReason, Rung
from core.spending import CallOutcome
from stores.store import Store
from tests.infrastructure.stack import FOLDER, load, services, settings, targets
from tests.stores.samples import call

DASHBOARDS = sorted((FOLDER / "grafana" / "dashboards").glob("*.json"))
SECONDS = {"h": 3600, "d": 86400}


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.y*ml")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_it_is_yaml(path: Path) -> None:
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


def test_loki_keeps_seven_days_and_deletes_what_is_older() -> None:
    config = load("loki/loki.yaml")
    amount, unit = re.fullmatch(r"(\d+)([hd])", config["limits_config"]["retention_period"]).groups()  # type: ignore[union-attr]
    assert int(amount) * SECONDS[unit] == 7 * SECONDS["d"]
    assert config["compactor"]["retention_enabled"] is True
    assert config["compactor"]["delete_request_store"]
    assert config["limits_config"]["reject_old_samples_max_age"] == config["limits_config"]["retention_period"]
    written = [config["common"]["path_prefix"], config["compactor"]["working_directory"]]
    mounted = [each.split(":")[1] for each in services()["loki"]["volumes"] if not each.startswith(".")]
    assert all(path.startswith(mounted[0]) for path in written)


def test_vector_takes_every_container_and_labels_lines_as_the_inventory_does() -> None:
    config = load("vector/vector.yaml")
    source, sink = config["sources"]["containers"], config["sinks"]["loki"]
    assert source["type"] == "docker_logs"
    assert not [option for option in source if option.startswith(("include_", "exclude_"))]
    assert source["docker_host"] == "http://engine-reader:2375"
    assert sink["endpoint"] == "http://loki:3100"
    [label] = {name for service in settings().services for name in service.identity.loki}
    assert sink["labels"][label] == "{{ service }}"
    assert "trace_id" not in sink["labels"], "one stream a request would be too many"


def test_vector_has_no_loose_ends() -> None:
    config = load("vector/vector.yaml")
    made = {*config["sources"], *config["transforms"]}
    taken = {name for part in ("transforms", "sinks") for each in config[part].values() for name in each["inputs"]}
    assert taken == made


def test_the_collector_has_no_loose_ends_and_sends_to_quell() -> None:
    config = load("otel/collector.yaml")
    for kind in ("receivers", "processors", "exporters"):
        used = {name for pipeline in config["service"]["pipelines"].values() for name in pipeline[kind]}
        assert used == set(config[kind])
    assert set(config["service"]["extensions"]) == set(config["extensions"])
    exporter = config["exporters"]["otlphttp/quell"]
    assert exporter["endpoint"] == f"http://quell:{settings().server.port}"
    assert config["extensions"][exporter["auth"]["authenticator"]]["filename"] == "/run/secrets/quell_token"
    [reader] = config["service"]["telemetry"]["metrics"]["readers"]
    assert f"otel-collector:{reader['pull']['exporter']['prometheus']['port']}" in targets()


def dashboard(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def expressions(path: Path) -> list[str]:
    """Every PromQL expression of a dashboard."""
    return [
        target["expr"]
        for panel in dashboard(path)["panels"]
        for target in panel["targets"]
        if target["datasource"]["type"] == "prometheus"
    ]


async def measured(store: Store) -> set[str]:
    """Names of the series that Quell, Prometheus itself and the recording rules make."""
    metrics = Metrics()
    metrics.observe_node("triage", 0.1)
    metrics.observe_request("GET", "/api/incidents", 200, 0.1)
    metrics.observe_call(call(outcome=CallOutcome.ANSWERED))
    step = Escalation(from_rung=Rung.RULES, to_rung=Rung.HUMAN, reason=EscalationReason.TIMEOUT)
    metrics.observe_escalation("rca", step)
    page = (await metrics.exposition(store)).decode()
    own = {sample.name for family in text_string_to_metric_families(page) for sample in family.samples}
    own |= {family.name for family in text_string_to_metric_families(page)}
    recorded = {rule["record"] for group in load("prometheus/rules/signals.yml")["groups"] for rule in group["rules"]}
    return {*own, *recorded, "up"}


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
async def test_a_dashboard_shows_what_is_measured(path: Path, store: Store) -> None:
    known = await measured(store)
    named = {name for each in expressions(path) for name in re.findall(r"\b(?:quell_\w+|service:[\w:]+|up)\b", each)}
    assert named
    assert named - known == set()


async def test_the_dashboard_of_quell_leaves_none_of_its_metrics_out(store: Store) -> None:
    shown = " ".join(expressions(FOLDER / "grafana" / "dashboards" / "quell.json"))
    metrics = Metrics()
    page = (await metrics.exposition(store)).decode()
    families = {family.name for family in text_string_to_metric_families(page) if not family.name.endswith("_created")}
    assert {name for name in families if name not in shown} == set()


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_use_data_sources_that_are_provisioned(path: Path) -> None:
    provisioned = {
        (each["uid"], each["type"]) for each in load("grafana/provisioning/datasources/datasources.yaml")["datasources"]
    }
    panels = dashboard(path)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    used = {(target["datasource"]["uid"], target["datasource"]["type"]) for p in panels for target in p["targets"]}
    assert used <= provisioned


def test_grafana_finds_its_dashboards_and_data_sources() -> None:
    [provider] = load("grafana/provisioning/dashboards/dashboards.yaml")["providers"]
    mounted = [each.split(":")[1] for each in services()["grafana"]["volumes"]]
    assert provider["options"]["path"] in mounted
    for source in load("grafana/provisioning/datasources/datasources.yaml")["datasources"]:
        host = source["url"].split("://")[1].split(":")[0]
        assert set(services()[host]["networks"]) & set(services()["grafana"]["networks"])
