"""What to scrape, and one scrape: fetch a `/metrics` page and read it.

The page is read with prometheus-client's parser of the text format
(https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from core.models import Model


class ScrapeTarget(Model):
    """One `/metrics` page and the labels that every series from it gets."""

    url: str = Field(description="http:// or https:// address of the page")
    labels: dict[str, str] = Field(default={}, description="such as job; instance is host:port unless given")

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("write the whole address, such as http://127.0.0.1:9000/metrics")
        return url

    @property
    def target_labels(self) -> dict[str, str]:
        """The labels including `instance`."""
        return {"instance": urlsplit(self.url).netloc.rpartition("@")[2], **self.labels}


class ScrapeSettings(Model):
    """The `scrape` section of quell.yaml."""

    interval_seconds: float = Field(default=5.0, gt=0)
    timeout_seconds: float = Field(default=1.0, gt=0)
    retention_seconds: float = Field(default=21600.0, gt=0)
    max_series: int = Field(default=20000, ge=1)
    max_memory_bytes: int = Field(
        default=256 * 1024 * 1024, ge=1024 * 1024, description="bound of all samples together"
    )
    snapshot_seconds: float = Field(default=15.0, gt=0, description="how often the history is written to disk")
    targets: tuple[ScrapeTarget, ...] = ()
