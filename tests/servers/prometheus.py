"""Real Prometheus servers: one that scrapes, or one with history made of text."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from drills.environments.servers import prometheus_command
from drills.ports import free_port
from tests.servers.process import Server, binary, serving

PACKAGE = "prometheus"


@contextlib.contextmanager
def prometheus(
    folder: Path,
    *,
    scrape_configs: Sequence[Mapping[str, Any]] = (),
    rules: Mapping[str, Any] | None = None,
    alertmanager: str = "",
    scrape_interval: str = "1s",
    flags: Sequence[str] = (),
    port: int | None = None,
) -> Iterator[Server]:
    """A Prometheus whose data lie in `folder`; the same folder and port make it the same server again.

    Args:
        scrape_configs: as in prometheus.yml.
        rules: a rule file's content.
        alertmanager: host:port of the Alertmanager that is told of alerts.
        flags: added to its command line.
    """
    program = binary("prometheus", package=PACKAGE)
    port = port or free_port()
    config: dict[str, Any] = {
        "global": {"scrape_interval": scrape_interval, "evaluation_interval": scrape_interval},
        "scrape_configs": [dict(each) for each in scrape_configs],
    }
    if rules is not None:
        (folder / "rules.yml").write_text(yaml.safe_dump(dict(rules)))
        config["rule_files"] = [str(folder / "rules.yml")]
    if alertmanager:
        config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = [*prometheus_command(program, folder, port), *flags]
    with serving("prometheus", command, port=port, ready_path="/-/ready", folder=folder) as server:
        yield server


def backfill(folder: Path, openmetrics: str) -> None:
    """Make history out of OpenMetrics text with times, before a Prometheus is started on the folder."""
    source = folder / "history.om"
    source.write_text(openmetrics)
    command = [
        binary("promtool", package=PACKAGE),
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        source,
        folder / "data",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
