"""What to scrape, and one scrape: fetch a `/metrics` page within bounds and read it.

The page is read with prometheus-client's parser of the text format
(https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format). Labels of the target win over labels
on the page, which are kept as `exported_<name>`, as in Prometheus without `honor_labels`
(https://prometheus.io/docs/prometheus/latest/configuration/configuration/#scrape_config).
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
from prometheus_client.parser import text_string_to_metric_families
from pydantic import Field, field_validator

from core.clock import Clock
from core.errors import SourceError, SourceRejected, SourceUnavailable
from core.models import Model

MAX_BODY_BYTES = 16 * 1024 * 1024
_ACCEPT = {"Accept": "text/plain;version=0.0.4"}
_COUNTER_TYPE = re.compile(r"^#[ \t]+TYPE[ \t]+(\S+)[ \t]+counter[ \t]*$", re.MULTILINE)
_PLAIN_PAGE = "a target must serve the Prometheus text format; open the address and look at it"


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
    def series_labels(self) -> dict[str, str]:
        """The labels including `instance`."""
        return {"instance": urlsplit(self.url).netloc.rpartition("@")[2], **self.labels}


class ScrapeSettings(Model):
    """The `scrape` section of quell.yaml."""

    interval_seconds: float = Field(default=5.0, gt=0)
    timeout_seconds: float = Field(default=1.0, gt=0)
    retention_seconds: float = Field(default=21600.0, gt=0)
    max_series: int = Field(default=20000, ge=1)
    max_memory_bytes: int = Field(default=256 * 1024 * 1024, ge=1024 * 1024, description="of all samples together")
    snapshot_seconds: float = Field(default=15.0, gt=0, description="how often the history is written to disk")
    targets: tuple[ScrapeTarget, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """One line of a page: name, labels (the target's included) and value."""

    name: str
    labels: dict[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Scrape:
    """What one target gave: samples, or why there are none."""

    target: ScrapeTarget
    samples: tuple[Sample, ...]
    seconds: float
    error: str = ""


def parse_page(text: str, target_labels: dict[str, str]) -> tuple[Sample, ...]:
    """Read a page in the text format.

    Raises:
        SourceRejected: the text is not in that format.
    """
    try:
        families = list(text_string_to_metric_families(text))
        # The parser renames a counter `x` to `x_total`; series keep the name that the page gives them.
        unsuffixed = {name for name in _COUNTER_TYPE.findall(text) if not name.endswith("_total")}
        return tuple(
            Sample(
                family.name if family.type == "counter" and family.name in unsuffixed else sample.name,
                _merge(sample.labels, target_labels),
                float(sample.value),
            )
            for family in families
            for sample in family.samples
        )
    except (ValueError, LookupError, ArithmeticError) as error:
        raise SourceRejected(f"the page cannot be read: {error}"[:300], fix=_PLAIN_PAGE) from error


async def fetch_page(http: httpx.AsyncClient, url: str, max_body_bytes: int = MAX_BODY_BYTES) -> str:
    """The body of a page, never more than that many bytes.

    Raises:
        SourceUnavailable: refused, cut off, or answered with another status than 200.
        SourceRejected: the body is too long.
    """
    try:
        async with http.stream("GET", url, headers=_ACCEPT) as response:
            if response.status_code != httpx.codes.OK:
                raise SourceUnavailable(f"the target answered {response.status_code}")
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > max_body_bytes:
                    raise SourceRejected(f"the page is longer than {max_body_bytes} bytes", fix=_PLAIN_PAGE)
            return body.decode("utf-8", errors="replace")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SourceUnavailable(f"{type(error).__name__}: {error}") from error


async def scrape(http: httpx.AsyncClient, target: ScrapeTarget, timeout_seconds: float, clock: Clock) -> Scrape:
    """Scrape one target once; a failure is an answer too, never an exception."""
    began = clock.monotonic()
    try:
        async with asyncio.timeout(timeout_seconds):
            text = await fetch_page(http, target.url)
        samples = await asyncio.to_thread(parse_page, text, target.series_labels)
    except TimeoutError:
        return Scrape(target, (), clock.monotonic() - began, f"no answer within {timeout_seconds:g} s")
    except SourceError as error:
        return Scrape(target, (), clock.monotonic() - began, error.message)
    return Scrape(target, samples, clock.monotonic() - began)


def _merge(own: dict[str, str], target: dict[str, str]) -> dict[str, str]:
    kept = {f"exported_{name}" if name in target else name: value for name, value in own.items() if value}
    return {**kept, **target}
