"""What a log template speaks of, and what became of it."""

from __future__ import annotations

import json
from enum import StrEnum

from pydantic import Field

from core.models.base import Model, Rung, Severity, Window


class LogCategory(StrEnum):
    """What a template is about (closed)."""

    CRASH = "crash"
    TIMEOUT = "timeout"
    NETWORK = "network"
    RESOURCE = "resource"
    STORAGE = "storage"
    SECURITY = "security"
    CONFIGURATION = "configuration"
    DATA = "data"
    HARDWARE = "hardware"
    LIFECYCLE = "lifecycle"
    REQUEST = "request"
    JOB = "job"
    OTHER = "other"


class LogChange(StrEnum):
    """How often a template is seen, against earlier windows."""

    NEW = "new"
    MORE = "more"
    STEADY = "steady"
    LESS = "less"
    VANISHED = "vanished"


class TemplateClass(Model):
    """What was found of one template, once for all its lines."""

    template: str = Field(min_length=1, max_length=300)
    severity: Severity
    category: LogCategory
    rung: Rung = Field(default=Rung.RULES, description="who says so; rules where no model could tell")


class TemplatePage(Model):
    """What is known of the templates of one service beyond the rules."""

    classes: tuple[TemplateClass, ...] = ()


class TemplateQuery(Model):
    """What is asked of a memory of templates: those of one service, at the end of a window."""

    service: str
    window: Window

    @property
    def key(self) -> str:
        """Canonical JSON: equal queries have equal keys."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
