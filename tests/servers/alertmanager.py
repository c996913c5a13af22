"""A real Alertmanager that delivers at once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from drills.environments.servers import alertmanager_command
from drills.ports import free_port
from tests.servers.process import Server, binary, serving


@contextlib.contextmanager
def alertmanager(
    folder: Path, webhook: str = "", *, http_config: Mapping[str, Any] | None = None, port: int | None = None
) -> Iterator[Server]:
    """An Alertmanager whose data lie in `folder`.

    Args:
        webhook: address that every alert is posted to; empty: none is.
        http_config: of that webhook, such as its authorisation.
    """
    program = binary("prometheus-alertmanager", "alertmanager", package="prometheus-alertmanager")
    port = port or free_port()
    hook = {"url": webhook, "send_resolved": True, **({"http_config": dict(http_config)} if http_config else {})}
    config = {
        "route": {"receiver": "quell", "group_by": ["alertname"], "group_wait": "0s", "group_interval": "1s"},
        "receivers": [{"name": "quell", **({"webhook_configs": [hook]} if webhook else {})}],
    }
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
    command = alertmanager_command(program, folder, port)
    with serving("alertmanager", command, port=port, ready_path="/-/ready", folder=folder) as server:
        yield server
