"""The quell.yaml of a drill: the shop as supervised processes, and windows short enough for a game of one minute."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from socket import socket
from typing import Any

from app.configuration.layers import Layer, Origin, merge
from core.models import Autonomy
from drills.shop.roles import Role
from drills.shop.topology import GOOD_RELEASE, SHOP
from remediation.policy import default_policy

TIMINGS: Mapping[str, Any] = {
    "scrape": {"interval_seconds": 0.5, "timeout_seconds": 1.0, "retention_seconds": 1800, "snapshot_seconds": 5},
    "analysis": {
        "window_seconds": 6,
        "baseline_seconds": 15,
        "step_seconds": 0.5,
        "rate_window_seconds": 3,
        "change_lookback_seconds": 120,
    },
    "watch": {"interval_seconds": 1, "for_ticks": 2},
    "verification": {"deadline_seconds": 25, "hold_seconds": 3, "poll_seconds": 0.5, "settle_seconds": 1},
    "worker": {"poll_seconds": 0.3},
}
"""Everything that takes minutes in production, in seconds; a scenario may lay its own over it."""

COOLDOWN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Ports:
    """Loopback ports of one drill."""

    api: int
    services: Mapping[Role, int]

    def url(self, role: Role) -> str:
        """Base URL of a service."""
        return f"http://127.0.0.1:{self.services[role]}"


def free_ports() -> Ports:
    """Ports that nothing listens on now; all are held until the last one is found, so that they differ."""
    with ExitStack() as held:
        found = []
        for _ in range(len(Role) + 1):
            probe = held.enter_context(socket())
            probe.bind(("127.0.0.1", 0))
            found.append(probe.getsockname()[1])
    return Ports(api=found[0], services=dict(zip(Role, found[1:], strict=True)))


def configuration(
    names: Mapping[Role, str],
    ports: Ports,
    token: str,
    autonomy: Autonomy,
    clock_offset_seconds: float,
    overrides: Mapping[str, Any],
) -> dict[str, Any]:
    """quell.yaml as a mapping.

    Args:
        names: what each service is called.
        clock_offset_seconds: how far the whole drill is ahead of the machine's clock, logs of the shop included.
        overrides: laid over everything else, key by key.
    """
    policy = {**default_policy().model_dump(mode="json"), "cooldown_seconds": COOLDOWN_SECONDS}
    return merge(
        [
            Layer(Origin.DEFAULT, "timings", TIMINGS),
            Layer(
                Origin.FILE,
                "shop",
                {
                    "data_dir": "data",
                    "autonomy": autonomy.value,
                    "clock_offset_seconds": clock_offset_seconds,
                    "server": {"port": ports.api, "token": token},
                    "services": [_service(role, names) for role in SHOP],
                    "processes": [_process(role, names, ports, clock_offset_seconds) for role in SHOP],
                    "scrape": {
                        "targets": [
                            {"url": f"{ports.url(role)}/metrics", "labels": {"job": names[role]}} for role in SHOP
                        ]
                    },
                    "watch": {"services": [names[Role.GATEWAY]]},
                    "policy": policy,
                },
            ),
            Layer(Origin.FLAG, "scenario", overrides),
        ]
    )


def _service(role: Role, names: Mapping[Role, str]) -> dict[str, Any]:
    placement = SHOP[role]
    return {
        "name": names[role],
        "kind": placement.kind.value,
        "tier": placement.tier,
        "dependencies": [names[callee] for callee in placement.calls],
    }


def _process(role: Role, names: Mapping[Role, str], ports: Ports, clock_offset_seconds: float) -> dict[str, Any]:
    placement = SHOP[role]
    argv = [sys.executable, "-P", "-m", "drills.shop.service", "--name", names[role], "--role", role.value]
    argv += ["--port", str(ports.services[role]), "--workers", str(placement.workers)]
    argv += ["--timeout-seconds", str(placement.timeout_seconds)]
    argv += ["--clock-offset-seconds", str(clock_offset_seconds)]
    for callee in placement.calls:
        argv += ["--dependency", f"{callee}={ports.url(callee)}"]
    return {
        "name": names[role],
        "argv": argv,
        "releases": [{"version": version, "argv": [*argv, *extra]} for version, extra in placement.releases.items()],
        "release": GOOD_RELEASE,
        "health": {"url": f"{ports.url(role)}/healthz", "timeout_seconds": 1.0},
        "stop_grace_seconds": 1.0,
    }
