"""The `prometheus` section of quell.yaml."""

from __future__ import annotations

from pydantic import Field

from clients.connection import ConnectionSettings


class PrometheusSettings(ConnectionSettings):
    """A Prometheus server; with an address it takes the place of the own scrapes."""

    max_series: int = Field(default=10_000, ge=1, description="answers with more series are refused")
    max_concurrent: int = Field(default=4, ge=1, le=32, description="queries under way at once")
