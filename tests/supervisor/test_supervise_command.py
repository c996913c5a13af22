"""`quell supervise` as a user starts it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.supervisor.running import ROOT
from tests.support import eventually

pytestmark = pytest.mark.slow

RUN = "from app.cli.main import run; run()"


def launch(config: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", RUN, "--config", str(config), "supervise"]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


async def test_it_runs_what_quell_yaml_declares_from_its_folder_until_sigterm(tmp_path: Path) -> None:
    config = tmp_path / "quell.yaml"
    config.write_text("processes: [{name: cart, argv: [sh, -c, 'pwd; exec sleep 600']}]\n")
    log = tmp_path / ".quell" / "logs" / "cart.log"

    process = launch(config)
    await eventually(lambda: log.exists() and log.read_text() == f"{tmp_path}\n")
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=20)

    assert process.returncode == 0, stderr
    assert "process_ended" in {json.loads(line)["event"] for line in stderr.splitlines()}


def test_without_processes_it_says_what_to_do(tmp_path: Path) -> None:
    config = tmp_path / "quell.yaml"
    config.write_text("{}\n")
    process = launch(config)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 2
    assert stderr.startswith("error: no processes are declared (list them under processes")
