"""`core.ports.MetricsSource` over a Prometheus server.

Semantics are the server's own: `rate` extrapolates to the edges of its window, and a series lives on for the server's
lookback after its last sample unless its target was seen to end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog
from prometheus_api_client.exceptions import PrometheusApiClientException
from prometheus_api_client.prometheus_connect import PrometheusConnect
from pydantic import Field, ValidationError
from urllib3.util.retry import Retry

from clients import failures
from clients.failures import Server
from clients.matrix import Grid, seconds
from clients.prometheus.promql import render
from clients.prometheus.session import BoundedSession
from clients.prometheus.settings import PrometheusSettings
from core.clock import Clock
from core.errors import ConfigError, SourceError, SourceRejected
from core.frames import Frame, MetricQuery
from core.models import Model, Utc
from core.ports import SourceStatus

log = structlog.get_logger(__name__)

T = TypeVar("T")

MIN_VERSION = (2, 14)
"""The first that tells its version over the API; all that is asked of it here works from there on."""

_EPOCH = datetime.fromtimestamp(0, UTC)


class Target(Model):
    """One page that Prometheus scrapes (https://prometheus.io/docs/prometheus/latest/querying/api/#targets)."""

    url: str = Field(description="address of the page, as Prometheus sees it")
    labels: dict[str, str] = Field(description="labels that its series carry")
    health: str = Field(description="up, down or unknown")
    last_error: str = ""
    last_scrape: Utc | None = Field(default=None, description="None: never yet")


class PrometheusMetrics:
    """A `core.ports.MetricsSource`. Holds no connection between queries, so there is nothing to close.

    Args:
        settings: where it is, and bounds.
        clock: for timeouts and to tell how far its clock is off.
    """

    name = "prometheus"

    def __init__(self, settings: PrometheusSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._server = Server("Prometheus", "prometheus", settings.url)
        self._free = asyncio.Semaphore(settings.max_concurrent)

    async def query(self, query: MetricQuery) -> Frame:
        """Series on the grid of the query, which may need more points than the server answers at once.

        Raises:
            SourceUnavailable: refused, late, cut off, overloaded.
            SourceRejected: a bad query, credentials, more series or bytes than allowed, or no Prometheus there.
            ConfigError: the TLS files cannot be used.
        """
        grid = Grid.of(query.window, query.step_seconds)
        promql = render(query)
        return await self._in_thread(lambda api, session: self._series(api, session, promql, grid))

    async def targets(self) -> tuple[Target, ...]:
        """What it scrapes now; raises as `query`."""

        def ask(api: PrometheusConnect, _: BoundedSession) -> tuple[Target, ...]:
            return tuple(
                Target(
                    url=each["scrapeUrl"],
                    labels=each["labels"],
                    health=each["health"],
                    last_error=each.get("lastError", "")[: failures.MAX_DETAIL_CHARACTERS],
                    last_scrape=_scraped_at(each.get("lastScrape", "")),
                )
                for each in api.get_targets(state="active")["activeTargets"]
            )

        return await self._in_thread(ask)

    async def status(self) -> SourceStatus:
        """Reachable when it answers as a Prometheus and scrapes something."""
        if not self._settings.url:
            return SourceStatus(name=self.name, configured=False, fix="set prometheus.url, or list scrape.targets")
        try:
            return await self._in_thread(self._status)
        except (SourceError, ConfigError) as error:
            return SourceStatus(name=self.name, configured=True, detail=error.message, fix=error.fix)

    async def _in_thread(self, ask: Callable[[PrometheusConnect, BoundedSession], T]) -> T:
        if not self._settings.url:
            raise SourceRejected("no Prometheus is configured", fix="set prometheus.url")
        async with self._free:
            return await asyncio.to_thread(self._ask, ask)

    def _ask(self, ask: Callable[[PrometheusConnect, BoundedSession], T]) -> T:
        with BoundedSession(self._server, self._settings, self._clock) as session:
            api = PrometheusConnect(self._settings.url, session=session, retry=Retry(0, read=False))
            try:
                return ask(api, session)
            except (LookupError, TypeError, ValueError, AttributeError, ValidationError) as error:
                raise failures.unexpected(self._server, f"{type(error).__name__} {error}") from error
            except PrometheusApiClientException as error:
                raise failures.unexpected(self._server, str(error)) from error

    def _series(self, api: PrometheusConnect, session: BoundedSession, promql: str, grid: Grid) -> Frame:
        results: list[Any] = []
        for piece in grid.pieces():
            # The library rounds times to whole seconds; those in `params` go over its own.
            exact = {"start": seconds(piece.start_milliseconds), "end": seconds(piece.end_milliseconds)}
            step = seconds(grid.step_milliseconds)
            result = api.custom_query_range(promql, _EPOCH, _EPOCH, step, params=exact)
            if len(result) > self._settings.max_series:
                raise SourceRejected(
                    f"{self._server.label} answered with {len(result)} series, more than {self._settings.max_series}",
                    fix="narrow the labels, aggregate, or raise prometheus.max_series",
                )
            results.append(result)
        if session.warnings:
            log.warning("prometheus_warned", query=promql, warnings=session.warnings[:5])
        return grid.frame(results)

    def _status(self, api: PrometheusConnect, session: BoundedSession) -> SourceStatus:
        try:
            built = session.get(f"{self._settings.url}/api/v1/status/buildinfo").json()
        except SourceRejected:
            api.custom_query("count(up)")  # raises for another server, for credentials and the like
            detail = f"older than {'.'.join(map(str, MIN_VERSION))}: it does not tell its version"
            return SourceStatus(name=self.name, configured=True, detail=detail, fix="upgrade Prometheus")
        version = str(built["data"]["version"])
        skew = failures.skew_told(session.answered, self._clock.now())
        counted = api.custom_query("count(up)")
        targets = int(float(counted[0]["value"][1])) if counted else 0
        fix = "" if not skew else "set both clocks by NTP"
        detail = f"{targets} targets"
        if not targets:
            detail, fix = "it is empty: no target is scraped", "add scrape_configs to prometheus.yml"
        if failures.older(version, MIN_VERSION):
            detail, fix = f"version {version} is too old", "upgrade Prometheus"
        warned = [f"it warns: {each}"[: failures.MAX_DETAIL_CHARACTERS] for each in session.warnings[:1]]
        return SourceStatus(
            name=self.name,
            configured=True,
            reachable=targets > 0 and not failures.older(version, MIN_VERSION),
            version=version,
            detail="; ".join([detail, *([skew] if skew else []), *warned]),
            fix=fix,
        )


def _scraped_at(text: str) -> datetime | None:
    """The instant of a scrape, written with nanoseconds; before the first one Go's zero time stands there."""
    return None if not text or text.startswith("0001-") else datetime.fromisoformat(text)
