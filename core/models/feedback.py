"""What humans said about earlier alerts, and what was kept quiet because of it."""

from __future__ import annotations

from pydantic import Field

from core.models.alerts import Alert
from core.models.base import Model, Severity, Utc, content_id


class AlertPattern(Model):
    """What makes two alerts repeats of each other: the same name about the same service, in the same shape."""

    service: str
    name: str
    shape: str = Field(
        default="", description="known pattern or shape of the watcher's finding; the fingerprint without a service"
    )

    @property
    def id(self) -> str:
        """Key under which judgements are kept."""
        return content_id("pat", self.service, self.name, self.shape)

    @classmethod
    def of(cls, alert: Alert) -> AlertPattern:
        """The pattern of an alert. Of alerts whose service is not known only the very same one is a repeat."""
        shape = alert.annotations.get(SHAPE_ANNOTATION, "") if alert.service else alert.fingerprint
        return cls(service=alert.service, name=alert.name, shape=shape)


SHAPE_ANNOTATION = "pattern"
"""Annotation in which the watcher notes the shape of what it found."""


class PatternRecord(Model):
    """How often a pattern was judged: a false alarm of late, real ever."""

    false_alarms: int = 0
    real: int = 0
    last_by: str = Field(default="", description="who judged it last")
    last_at: Utc | None = None


class Suppression(Model):
    """An alert that started no incident, because its pattern was judged a false alarm before."""

    fingerprint: str
    pattern: str = Field(description="id of the pattern")
    service: str
    name: str
    severity: Severity
    starts_at: Utc
    first_at: Utc
    last_at: Utc
    count: int = Field(description="how often it was heard of")
    reason: str
