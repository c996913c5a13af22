"""What a log template speaks of, and what became of it."""

from __future__ import annotations

from enum import StrEnum


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
