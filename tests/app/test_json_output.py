"""Every command with ``--json``, run for real, against the schema that docs/reference/json publishes."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from app import reference
from app.cli.main import COMMANDS, load_command, main
from app.cli.schemas import JSON_OUTPUTS
from bench.registry import BENCHES, Bench
from core.clock import SystemClock
from core.models import IncidentStatus
from stores.store import Store
from tests.app.conftest import populate
from tests.drills.scores import judged
from tests.stores.samples import alert, approval, incident, proposal

PUBLISHED = Path(reference.__file__).parent.parent / "docs" / "reference" / "json"
CONFIG = """
services: [{name: gateway, tier: 1, dependencies: [payment]}, {name: payment}]
analysis: {window_seconds: 1, baseline_seconds: 5, step_seconds: 0.5, rate_window_seconds: 1}
"""
ALERT = {"labels": {"alertname": "A", "service": "gateway"}, "startsAt": "2026-03-03T12:00:00Z"}

CALLS: dict[str, tuple[list[str], int]] = {
    "watch": (["watch", "--once", "--collect-seconds", "0"], 0),
    "investigate": (["investigate", "--alert", "alert.json", "--collect-seconds", "0"], 0),
    "replay": (["replay", "bundle"], 0),
    "incidents list": (["incidents", "list"], 0),
    "incidents show": (["incidents", "show", "inc_1"], 0),
    "incidents export": (["incidents", "export", "inc_1", "--to", "exported"], 0),
    "incidents stop": (["incidents", "stop", "inc_1"], 0),
    "incidents acknowledge": (["incidents", "acknowledge", "inc_1"], 0),
    "incidents close": (["incidents", "close", "inc_2", "--as", "false-alarm"], 0),
    "incidents summary": (["incidents", "summary", "inc_1", "--as", "handover"], 0),
    "approve": (["approve", "appr_1", "--note", "go"], 0),
    "reject": (["reject", "appr_2"], 0),
    "alerts list": (["alerts", "list"], 0),
    "alerts send": (["alerts", "send", "--service", "payment", "--severity", "info"], 0),
    "actions": (["actions", "--service", "payment"], 0),
    "policy show": (["policy", "show"], 0),
    "policy stop": (["policy", "stop", "--reason", "test"], 0),
    "policy resume": (["policy", "resume"], 0),
    "audit show": (["audit", "show"], 0),
    "audit verify": (["audit", "verify"], 0),
    "services list": (["services", "list"], 0),
    "services explain": (["services", "explain", "service=gateway"], 0),
    "agents list": (["agents", "list"], 0),
    "agents show": (["agents", "show", "rca"], 0),
    "models list": (["models", "list"], 0),
    "models pull": (["models", "pull"], 0),
    "models check": (["models", "check"], 0),
    "models bench": (["models", "bench"], 0),
    "costs": (["costs", "--by", "model", "--since", "7d"], 0),
    "drill list": (["drill", "list"], 0),
    "drill run": (["drill", "run", "crash"], 0),
    "changes add": (["changes", "add", "--kind", "flag", "--service", "gateway", "--reference", "new_cart"], 0),
    "changes list": (["changes", "list"], 0),
    "calibrate": (["calibrate"], 0),
    "bench": (["bench", "tiny", "--cases", "--peer"], 0),
    "config validate": (["config", "validate"], 0),
    "config show": (["config", "show"], 0),
    "doctor": (["doctor"], 0),
    "db upgrade": (["db", "upgrade"], 0),
    "db status": (["db", "status"], 0),
    "db copy": (["db", "copy", "--to", "sqlite+aiosqlite:///moved/quell.db"], 0),
}


async def _fill() -> None:
    store = await Store.open(f"sqlite+aiosqlite:///{Path.cwd() / '.quell' / 'quell.db'}", SystemClock())
    await populate(store)
    async with store.write() as tx:
        await tx.incidents.add(incident("inc_3", status=IncidentStatus.AWAITING_APPROVAL))
        await tx.alerts.save(alert("fp_3"), "inc_3")
        other = proposal("gateway")
        await tx.approvals.request(approval("appr_2", incident_id="inc_3", proposal=other, proposal_hash=other.hash))
    await store.close()


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A folder with a configuration, an alert and a store with incidents."""
    (tmp_path / "quell.yaml").write_text(CONFIG)
    (tmp_path / "alert.json").write_text(json.dumps(ALERT))
    assert main(["db", "upgrade"]) == 0
    asyncio.run(_fill())
    return tmp_path


def checked(text: str, model: str) -> Any:
    """The one object on standard output, valid by its published schema."""
    schema = json.loads((PUBLISHED / f"{model}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    found = json.loads(text)
    jsonschema.validate(found, schema, format_checker=jsonschema.FormatChecker())
    return found


@pytest.mark.parametrize("command", [name for name in CALLS if name not in {"replay", "drill run", "bench"}])
def test_the_output_obeys_its_published_schema(world: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    arguments, code = CALLS[command]
    assert main([*arguments, "--json"]) == code
    checked(capsys.readouterr().out, JSON_OUTPUTS[command][0].__name__)


def test_approve_without_an_id_lists_what_waits(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["approve", "--json"]) == 0
    found = checked(capsys.readouterr().out, "ApprovalList")
    assert {each["id"] for each in found["approvals"]} == {"appr_1", "appr_2"}


def test_an_alert_becomes_an_incident_that_is_exported_and_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "quell.yaml").write_text(CONFIG)
    assert main(["db", "upgrade"]) == 0
    assert main(["alerts", "send", "--service", "gateway", "--severity", "critical"]) == 0
    assert main(["watch", "--once", "--collect-seconds", "0"]) == 0
    capsys.readouterr()
    assert main(["incidents", "list", "--json"]) == 0
    (found,) = checked(capsys.readouterr().out, "IncidentList")["incidents"]
    assert found["status"] == IncidentStatus.ESCALATED
    assert main(["incidents", "export", found["id"], "--to", "bundle"]) == 0
    capsys.readouterr()
    assert main(["replay", "bundle", "--json"]) == 0
    assert checked(capsys.readouterr().out, "Replay")["same"]
    assert main(["investigate", "--bundle", "bundle", "--json"]) == 0
    checked(capsys.readouterr().out, "Investigation")


def test_a_drill_prints_its_scoreboard(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    async def run_scenario(*_: object, **__: object) -> object:
        return judged()

    monkeypatch.setattr("app.cli.drill.run_scenario", run_scenario)
    assert main(["drill", "run", "crash", "--json"]) == 0
    checked(capsys.readouterr().out, "Scoreboard")


def test_a_benchmark_prints_its_figures(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(BENCHES, "tiny", Bench("tests.bench.tiny", (), "made up"))
    arguments, code = CALLS["bench"]
    assert main([*arguments, "--json"]) == code
    found = checked(capsys.readouterr().out, "BenchResult")
    assert [(each["id"], each["met"]) for each in found["figures"]] == [
        ("tiny.right", "floor"),
        ("tiny.seconds", "missed"),
    ]
    assert found["command"] == "quell bench tiny --cases --peer --json"
    assert found["machine"]
    assert main(arguments) == code
    assert "tiny.right" in capsys.readouterr().out


def test_every_benchmark_there_is_data_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    tiny = {"tiny": Bench("tests.bench.tiny", (), "made up"), "other": Bench("tests.bench.tiny", ("nab",), "no data")}
    for module in ("registry", "suite"):
        monkeypatch.setattr(f"bench.{module}.BENCHES", tiny)
    monkeypatch.setenv("QUELL_DATA", str(tmp_path))
    assert main(["bench", "all", "--json"]) == 0
    found = checked(capsys.readouterr().out, "BenchSuite")
    assert [(each["name"], each["command"]) for each in found["results"]] == [("tiny", "quell bench all --json")]
    assert [(each["bench"], each["pack"]) for each in found["skipped"]] == [("other", "nab")]
    assert main(["bench", "all"]) == 0
    shown = capsys.readouterr().out
    assert "tiny.right" in shown
    assert "other: skipped nab" in shown
    assert "https://github.com/numenta/NAB" in shown


@pytest.mark.drill
def test_the_demo_ends_with_its_report_as_the_last_line(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "app.cli.main", "demo", "--fault", "crash", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    report = checked(done.stdout.splitlines()[-1], "DemoReport")
    assert report["root_cause"] == report["root_cause"] | report["fault"]


def test_every_command_that_takes_json_is_called_above() -> None:
    taking = {
        path.removeprefix("quell ")
        for name in COMMANDS
        for path, command in reference.command_leaves(f"quell {name}", load_command(name))
        if any("--json" in each.opts for each in command.params)
    }
    assert taking == set(JSON_OUTPUTS)
    assert taking == set(CALLS) | {"demo"}
