"""The ports that queries read from and actions go to, in one record."""

from __future__ import annotations

from dataclasses import dataclass

from core.models import Service
from core.ports import Actuator, LogSource, MetricsSource


@dataclass(frozen=True, slots=True)
class Sources:
    """Where metrics and logs come from, and what can see and change the services."""

    metrics: MetricsSource
    logs: LogSource
    actuators: tuple[Actuator, ...] = ()

    def actuator_for(self, service: Service) -> Actuator | None:
        """The first actuator that owns the service; None when nothing can act on it."""
        return next((actuator for actuator in self.actuators if actuator.owns(service)), None)
