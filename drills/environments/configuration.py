"""The quell.yaml of a drill: the services, where they run, and windows short enough for a game of one minute."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.configuration.layers import Layer, Origin, merge
from core.models import Autonomy
from drills.environments.links import Link
from drills.ports import free_ports
from drills.shop.roles import LOOPBACK, Role
from drills.shop.topology import GOOD_RELEASE, SHOP
from remediation.policy import default_policy

TIMINGS: Mapping[str, Any] = {
    "analysis": {"baseline_seconds": 15, "change_lookback_seconds": 120},
    "verification": {"deadline_seconds": 25, "hold_seconds": 3, "poll_seconds": 0.5, "settle_seconds": 1},
    "worker": {"poll_seconds": 0.3},
}
"""What takes minutes in production, in seconds, in every environment; a scenario may lay its own over it."""

COOLDOWN_SECONDS = 1.0

MEMORY_BYTES = 96 * 2**20
"""What a service may use; at rest it needs half of it. Only an engine enforces it: a process merely tells it."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports of one drill on this host.

    Attributes:
        link: of the proxy on the link of the scenario's fault.
    """

    api: int
    services: Mapping[Role, int]
    link: int
    prometheus: int
    alertmanager: int
    swarm: int

    def url(self, role: Role) -> str:
        """Base URL of a service."""
        return f"http://{LOOPBACK}:{self.services[role]}"


def ports_of_a_drill() -> Ports:
    """Ports that nothing listens on now."""
    single = ("api", "link", "prometheus", "alertmanager", "swarm")
    found = free_ports(len(Role) + len(single))
    return Ports(services=dict(zip(Role, found[len(single) :], strict=True)), **dict(zip(single, found, strict=False)))


def configuration(
    names: Mapping[Role, str],
    api_port: int,
    token: str,
    autonomy: Autonomy,
    surroundings: Mapping[str, Any],
    overrides: Mapping[str, Any],
    identities: Mapping[Role, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """quell.yaml as a mapping.

    Args:
        names: what each service is called.
        surroundings: what an environment adds: processes or engine, where the metrics come from, timings.
        overrides: laid over everything else, key by key.
        identities: the names of a service elsewhere, where its own does not say them.
    """
    policy = {**default_policy().model_dump(mode="json"), "cooldown_seconds": COOLDOWN_SECONDS}
    shop = {
        "data_dir": "data",
        "autonomy": autonomy.value,
        "server": {"port": api_port, "token": token},
        "services": [_service(role, names, (identities or {}).get(role, {})) for role in SHOP],
        "policy": policy,
    }
    return merge(
        [
            Layer(Origin.DEFAULT, "timings", TIMINGS),
            Layer(Origin.FILE, "shop", shop),
            Layer(Origin.FILE, "surroundings", surroundings),
            Layer(Origin.FLAG, "scenario", overrides),
        ]
    )


def as_processes(
    names: Mapping[Role, str],
    ports: Ports,
    clock_offset_seconds: float,
    link: Link | None,
    token_file: Path | None = None,
) -> dict[str, Any]:
    """The surroundings where `quell supervise` runs the services and Quell scrapes and watches them itself.

    Args:
        clock_offset_seconds: how far the whole drill is ahead of the machine's clock, logs of the shop included.
        link: leads through the proxy.
        token_file: holds Quell's token, with which the services send it their spans; None: they send none.
    """
    spans = ["--otlp-endpoint", f"http://{LOOPBACK}:{ports.api}", "--otlp-token-file", str(token_file)]
    extra = ["--clock-offset-seconds", str(clock_offset_seconds), *(spans if token_file else ())]
    targets = [{"url": f"{ports.url(role)}/metrics", "labels": {"job": names[role]}} for role in SHOP]
    return {
        "clock_offset_seconds": clock_offset_seconds,
        "processes": [_process(role, names, ports, extra, link) for role in SHOP],
        "scrape": {
            "interval_seconds": 0.5,
            "timeout_seconds": 1.0,
            "retention_seconds": 1800,
            "snapshot_seconds": 5,
            "targets": targets,
        },
        "analysis": {"window_seconds": 6, "step_seconds": 0.5, "rate_window_seconds": 3},
        "watch": {"services": [names[Role.GATEWAY]], "interval_seconds": 1, "for_ticks": 2},
    }


def as_served(engine_url: str, prometheus_url: str) -> dict[str, Any]:
    """The surroundings where an engine runs the services, a Prometheus scrapes them, and alerts come from outside.

    An alert takes longer to come than a look of the own watcher, so that the window reaches further back.
    """
    return {
        "prometheus": {"url": prometheus_url},
        "docker": {"url": engine_url, "interval_seconds": 1},
        "analysis": {"window_seconds": 14, "step_seconds": 1, "rate_window_seconds": 4},
        "watch": {"interval_seconds": UNWATCHED_SECONDS},
    }


UNWATCHED_SECONDS = 3600.0
"""Where an Alertmanager calls, the own watcher's second look is beyond the end of any drill: it sends nothing."""


def service_arguments(role: Role, name: str, port: int, url: Callable[[Role], str]) -> list[str]:
    """Command line of a service: what all its releases have in common.

    Args:
        url: base URL at which the service reaches one that it calls.
    """
    placement = SHOP[role]
    arguments = ["--name", name, "--role", role.value, "--port", str(port), "--workers", str(placement.workers)]
    arguments += ["--timeout-seconds", str(placement.timeout_seconds), "--memory-limit-bytes", str(MEMORY_BYTES)]
    for callee in placement.calls:
        arguments += ["--dependency", f"{callee}={url(callee)}"]
    return arguments


def _service(role: Role, names: Mapping[Role, str], identity: Mapping[str, Any]) -> dict[str, Any]:
    placement = SHOP[role]
    return {
        "name": names[role],
        "kind": placement.kind.value,
        "tier": placement.tier,
        "dependencies": [names[callee] for callee in placement.calls],
        **({"identity": dict(identity)} if identity else {}),
    }


def _process(
    role: Role, names: Mapping[Role, str], ports: Ports, extra: Sequence[str], link: Link | None
) -> dict[str, Any]:
    def url(callee: Role) -> str:
        return f"http://{LOOPBACK}:{ports.link}" if link == Link(role, callee) else ports.url(callee)

    argv = [sys.executable, "-P", "-m", "drills.shop.service"]
    argv += [*service_arguments(role, names[role], ports.services[role], url), *extra]
    return {
        "name": names[role],
        "argv": argv,
        "releases": [{"version": version, "argv": [*argv, *extra]} for version, extra in SHOP[role].releases.items()],
        "release": GOOD_RELEASE,
        "health": {"url": f"{ports.url(role)}/healthz", "timeout_seconds": 1.0},
        "stop_grace_seconds": 1.0,
    }
