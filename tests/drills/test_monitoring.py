"""What watches the shop on an engine: the servers' own tools accept it; only what customers notice is alerted on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

from drills.environments import Api
from drills.environments.configuration import ports_of_a_drill
from drills.environments.monitoring import RULES, alertmanager_configuration, prometheus_configuration
from drills.shop.roles import Role
from drills.shop.topology import names
from tests.servers.process import binary


def check(*command: str | Path) -> str:
    """Run a tool that must accept its file."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_accepts_configuration_and_rules(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(dict(RULES)))
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(prometheus_configuration(names(3), ports_of_a_drill())))
    told = check(binary("promtool", package="prometheus"), "check", "config", tmp_path / "prometheus.yml")
    assert "3 rules found" in told


def test_amtool_accepts_the_configuration(tmp_path: Path) -> None:
    written = alertmanager_configuration(Api("http://127.0.0.1:1", "t" * 32))
    (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump(written))
    check(binary("amtool", package="prometheus-alertmanager"), "check-config", tmp_path / "alertmanager.yml")


def test_every_service_is_scraped_and_only_those_of_tier_one_are_alerted_on() -> None:
    called, ports = names(3), ports_of_a_drill()
    (job,) = prometheus_configuration(called, ports)["scrape_configs"]
    scraped = {each["labels"]["service"]: each["labels"]["tier"] for each in job["static_configs"]}
    assert set(scraped) == set(called.values())
    assert [name for name, tier in scraped.items() if tier == "1"] == [called[Role.GATEWAY]]
    rules = [rule for group in RULES["groups"] for rule in group["rules"]]
    assert all('tier="1"' in rule["expr"] for rule in rules)
    assert not any(name in str(rules) for name in called.values())


def test_alerts_carry_the_token() -> None:
    (receiver,) = alertmanager_configuration(Api("http://127.0.0.1:1", "secret"))["receivers"]
    (hook,) = receiver["webhook_configs"]
    assert hook["url"] == "http://127.0.0.1:1/api/alerts/webhook"
    assert hook["http_config"]["authorization"] == {"type": "Bearer", "credentials": "secret"}
