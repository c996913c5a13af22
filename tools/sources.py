"""The ports that queries read from and actions go to, in one record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from clients.recorded import RecordedActuator
from core.errors import SourceRejected
from core.models import Service
from core.ports import Actuator, BaselineSource, ChangeSource, LogSource, MetricsSource, TemplateMemory, TraceSource


@dataclass(frozen=True, slots=True)
class Sources:
    """Where metrics, logs and spans come from, and what can see and change the services.

    Attributes:
        traces: None where nothing collects spans; then nobody asks for any.
        baselines: None where nobody keeps the history of series; then the minutes before an incident are the normal.
        changes: None where only the actuators tell of changes.
        templates: None where nobody remembers what log templates speak of; then the rules alone say it.
    """

    metrics: MetricsSource
    logs: LogSource
    actuators: tuple[Actuator, ...] = ()
    traces: TraceSource | None = None
    baselines: BaselineSource | None = None
    changes: ChangeSource | None = None
    templates: TemplateMemory | None = None

    def at(self, now: datetime) -> Sources:
        """The sources for a look at that instant: live ones show the present, recorded ones what was seen then."""
        actuators = tuple(each.at(now) if isinstance(each, RecordedActuator) else each for each in self.actuators)
        return replace(self, actuators=actuators)

    def actuator_for(self, service: Service) -> Actuator | None:
        """The first actuator that owns the service; None when nothing can act on it."""
        return next((actuator for actuator in self.actuators if actuator.owns(service)), None)

    def seeing(self, service: Service) -> Actuator:
        """The actuator that sees the service.

        Raises:
            SourceRejected: there is none.
        """
        actuator = self.actuator_for(service)
        if actuator is None:
            raise SourceRejected(
                f"nothing sees the state of {service.name}",
                fix="declare it under `processes:`, or set its process in `services: identity:`",
            )
        return actuator
