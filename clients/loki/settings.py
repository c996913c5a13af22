"""The `loki` section of quell.yaml."""

from __future__ import annotations

from pydantic import Field

from clients.connection import ConnectionSettings

SERVER_LIMIT = 5000
"""Loki's default `max_entries_limit_per_query`."""


class LokiSettings(ConnectionSettings):
    """A Loki server; with an address it takes the place of log files."""

    tenant: str = Field(default="", max_length=150, description="sent as X-Scope-OrgID; empty: not sent")
    service_label: str = Field(
        default="service_name",
        pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$",
        description="stream label that holds a service's name, for services without labels of their own",
    )
    page_lines: int = Field(default=SERVER_LIMIT, ge=1, le=SERVER_LIMIT, description="lines asked for at once")

    @property
    def scope(self) -> dict[str, str]:
        """Headers that name the tenant (https://grafana.com/docs/loki/latest/operations/multi-tenancy/)."""
        return {"X-Scope-OrgID": self.tenant} if self.tenant else {}
