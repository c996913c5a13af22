"""What a copy of a database tells; apart from the copying, which needs LangGraph."""

from __future__ import annotations

from core.models import Model


class ThreadCopy(Model):
    """How much a thread held."""

    checkpoints: int
    writes: int


class CopyReport(Model):
    """What was moved; every number was counted in the target."""

    rows: dict[str, int]
    threads: int
    checkpoints: int
    writes: int
    audit_entries: int
    audit_head: str
