"""Prometheus' own tool reads the configuration and runs the rules' tests; alerts mean something to Quell."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agents.classifier import UNKNOWN, classify
from agents.models import TriageInput
from core.models import Alert, AlertStatus, Severity
from events.alertmanager import SEVERITIES
from tests.infrastructure.stack import FOLDER, alerts, inventory, load, targets
from tests.servers.process import binary

CLASSIC = {
    "ServiceDown": Severity.CRITICAL,
    "HighErrorRate": Severity.CRITICAL,
    "HighLatency": Severity.WARNING,
    "MemoryAlmostFull": Severity.CRITICAL,
    "CpuSaturated": Severity.WARNING,
    "DiskAlmostFull": Severity.CRITICAL,
    "ContainerRestarting": Severity.WARNING,
    "TargetMissing": Severity.WARNING,
}


def promtool(*arguments: str | Path) -> str:
    done = subprocess.run(
        [binary("promtool", package="prometheus"), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def cases() -> list[dict[str, Any]]:
    return [case for test in load("prometheus/tests/alerts.test.yml")["tests"] for case in test["alert_rule_test"]]


def test_the_configuration_is_valid(tmp_path: Path) -> None:
    """With the secret where the container has it: promtool wants to see the file."""
    shutil.copytree(FOLDER / "prometheus", tmp_path / "prometheus")
    (tmp_path / "quell_token").write_text("secret")
    config = tmp_path / "prometheus" / "prometheus.yml"
    text = config.read_text()
    assert "/run/secrets/quell_token" in text
    config.write_text(text.replace("/run/secrets", str(tmp_path)))
    assert "2 rule files found" in promtool("check", "config", config)


def test_the_rules_pass_their_tests() -> None:
    promtool("test", "rules", FOLDER / "prometheus" / "tests" / "alerts.test.yml")


def test_lint_finds_nothing_in_the_rules() -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", *sorted((FOLDER / "prometheus" / "rules").glob("*.yml")))


def test_the_eight_classic_alerts_are_there_and_each_is_tested_both_ways() -> None:
    assert {rule["alert"]: SEVERITIES[rule["labels"]["severity"]] for rule in alerts()} == CLASSIC
    assert {case["alertname"] for case in cases() if case["exp_alerts"]} == set(CLASSIC)
    assert {case["alertname"] for case in cases() if not case["exp_alerts"]} == set(CLASSIC)


def test_a_service_is_down_after_thirty_seconds() -> None:
    assert next(rule for rule in alerts() if rule["alert"] == "ServiceDown")["for"] == "30s"


@pytest.mark.parametrize("case", [case for case in cases() if case["exp_alerts"]], ids=lambda case: case["alertname"])
async def test_quell_knows_what_an_alert_speaks_of(case: dict[str, Any], clock: Any) -> None:
    for expected in case["exp_alerts"]:
        labels = {"alertname": case["alertname"], **expected["exp_labels"]}
        alert = Alert(
            fingerprint="f",
            status=AlertStatus.FIRING,
            name=labels["alertname"],
            severity=SEVERITIES[labels["severity"]],
            labels=labels,
            annotations=expected["exp_annotations"],
            starts_at=clock.now(),
            source="alertmanager",
        )
        answer = await classify(TriageInput(alerts=(alert,), service=labels["service"]))
        assert answer.result.category != UNKNOWN


def test_every_target_is_a_service_that_quell_knows() -> None:
    known = inventory()
    assert {name for name in targets().values() if known.resolve({"service": name}).service != name} == set()


def test_alerts_keep_the_label_by_which_quell_knows_the_service() -> None:
    """`by` without `service` would lose it; what has no aggregation keeps all labels of the series."""
    for path in ("prometheus/rules/signals.yml", "prometheus/rules/alerts.yml"):
        for group in load(path)["groups"]:
            for rule in group["rules"]:
                grouped = re.findall(r"\bby \(([^)]*)\)", rule["expr"])
                assert all("service" in labels.split(", ") for labels in grouped), rule["expr"]
                aggregated = re.findall(r"\b(?:sum|max|min|avg|count|group)\b(?! by)\s*\(", rule["expr"])
                assert not aggregated, rule["expr"]
