"""What the watcher looks at: which signals of which services, and what the alerts about them are called."""

from __future__ import annotations

from collections.abc import Mapping, Set

from pydantic import Field

from analysis.series.limits import LIMITS
from core.errors import ConfigError
from core.models import Model, Service, Severity, Signal
from tools.inventory import Inventory

SYMPTOMS: Mapping[Signal, tuple[str, Severity]] = {
    Signal.UP: ("ServiceDown", Severity.CRITICAL),
    Signal.ERRORS: ("ErrorRateHigh", Severity.CRITICAL),
    Signal.LATENCY: ("LatencyHigh", Severity.WARNING),
}
"""The signals that are watched, with the name and the severity of their alert."""

SATURATION: Mapping[Signal, tuple[str, Severity]] = {
    Signal.MEMORY: ("MemorySaturation", Severity.WARNING),
    Signal.DISK: ("DiskSaturation", Severity.WARNING),
    Signal.POOL: ("PoolSaturation", Severity.WARNING),
    Signal.FILES: ("FilesSaturation", Severity.WARNING),
}
"""The same for what fills up, of the watched services and of all around them: alerted on when its limit is in sight."""

WATCHED = {**SYMPTOMS, **SATURATION}


class WatchSettings(Model):
    """What `quell watch` and `quell serve` look at by themselves (`watch:` in quell.yaml)."""

    services: tuple[str, ...] = Field(default=(), description="names of services; empty means all of tier 1")
    interval_seconds: float = Field(default=60.0, gt=0, description="seconds between looks")
    for_ticks: int = Field(default=2, ge=1, description="looks in a row that must agree before an alert is sent")


def labels_of(service: Service, signal: Signal) -> dict[str, str]:
    """Labels of the alert about a signal."""
    name, severity = WATCHED[signal]
    return {"alertname": name, "service": service.name, "severity": severity.value}


def watched(inventory: Inventory, settings: WatchSettings, measured: Set[Signal]) -> list[tuple[Service, Signal]]:
    """Every signal of every service that is looked at."""
    services = _services(inventory, settings)
    around = [inventory.get(name) for service in services for name in inventory.neighbourhood(service.name)]
    symptoms = [(service, signal) for service in services for signal in SYMPTOMS if signal in measured]
    filling = [signal for signal in SATURATION if signal in measured and LIMITS[signal] in measured]
    near = {service.name: service for service in (*services, *around) if service is not None}
    return symptoms + [(service, signal) for service in near.values() for signal in filling]


def _services(inventory: Inventory, settings: WatchSettings) -> list[Service]:
    if not settings.services:
        return [service for service in inventory.all() if service.tier == 1]
    services = []
    for name in settings.services:
        service = inventory.get(name)
        if service is None:
            raise ConfigError(f"watch.services names {name}, which is no service", fix="correct it in quell.yaml")
        services.append(service)
    return services
