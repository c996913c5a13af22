"""One TLS context for all short-lived HTTP clients: loading certificates anew costs tens of milliseconds each time."""

from __future__ import annotations

import functools
import ssl

import httpx


@functools.cache
def shared_tls_context() -> ssl.SSLContext:
    """httpx' default context, which verifies certificates."""
    return httpx.create_ssl_context()
