"""`quell watch --once`: what a look finds is run to its end, and a human is called when one is needed."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from app.cli.main import main
from app.settings import Settings
from app.watching import one_look
from core.clock import SystemClock
from core.models import Alert, AlertStatus, IncidentStatus, Severity
from events.alertmanager import fingerprint, render
from events.inbox import accept
from events.watcher import SOURCE, Watcher
from stores.store import Store
from tests.stores.samples import alert


@pytest.fixture
def finding(monkeypatch: pytest.MonkeyPatch) -> Alert:
    """A look that finds one symptom and posts it as the watcher does, without any metrics behind it."""
    labels = {"alertname": "ServiceDown", "service": "gateway", "severity": "critical"}
    began = SystemClock().now() - timedelta(seconds=30)
    found = alert(
        fingerprint(labels), name="ServiceDown", labels=labels, starts_at=began, source=SOURCE, service="gateway"
    )

    async def tick(self: Watcher) -> list[Alert]:
        store: Store = self._store
        await accept(store, SOURCE, render([found]))
        return [found]

    monkeypatch.setattr(Watcher, "tick", tick)
    Path("quell.yaml").write_text(
        "services: [{name: gateway, tier: 1}]\n"
        "analysis: {window_seconds: 2, baseline_seconds: 5, step_seconds: 1, min_baseline_samples: 2}\n"
    )
    assert main(["db", "upgrade"]) == 0
    return found


def test_what_nobody_can_diagnose_ends_with_a_human(finding: Alert, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["watch", "--once", "--collect-seconds", "0", "--json"]) == 3
    (line,) = capsys.readouterr().out.splitlines()
    shown = json.loads(line)
    assert [each["fingerprint"] for each in shown["alerts"]] == [finding.fingerprint]
    (incident,) = shown["incidents"]
    assert incident["status"] == IncidentStatus.ESCALATED
    assert incident["service"] == "gateway"


def test_a_look_is_told_in_lines(finding: Alert, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["watch", "--once", "--collect-seconds", "0"]) == 3
    first, second = capsys.readouterr().out.splitlines()
    assert f"{AlertStatus.FIRING} {Severity.CRITICAL} ServiceDown gateway" in first
    assert IncidentStatus.ESCALATED in second


def test_one_look_decides_alone(settings: Settings) -> None:
    assert settings.watch.for_ticks > 1
    assert one_look(settings).watch.for_ticks == 1
    assert one_look(settings).data_path == settings.data_path
