"""Asking a process whether it is well."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx

from clients.processes.wire import HealthCheck
from clients.tls import shared_tls_context


@dataclass(frozen=True, slots=True)
class Health:
    """The answer of a health check; `healthy` is None when there is none to ask."""

    healthy: bool | None
    detail: str = ""


async def probe(check: HealthCheck | None) -> Health:
    """One request; any 2xx within the timeout is healthy."""
    if check is None:
        return Health(None)
    try:
        async with (
            asyncio.timeout(check.timeout_seconds),
            httpx.AsyncClient(trust_env=False, timeout=check.timeout_seconds, verify=shared_tls_context()) as http,
            http.stream("GET", check.url) as response,
        ):
            return Health(response.is_success, f"answered {response.status_code}")
    except (TimeoutError, httpx.TimeoutException):
        return Health(False, f"no answer within {check.timeout_seconds:g} s")
    except httpx.HTTPError as error:
        return Health(False, f"{type(error).__name__}: {error}")
