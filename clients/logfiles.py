"""Logs from files: JSON lines and plain text, read from the end."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from core.models import Model


class LogFile(Model):
    """One file that one service writes."""

    service: str = Field(min_length=1)
    path: Path


class LogSettings(Model):
    """The `logs` section of quell.yaml."""

    files: tuple[LogFile, ...] = ()
    max_read_bytes: int = Field(default=16 * 1024 * 1024, ge=4096, description="read from the end of one file at most")
