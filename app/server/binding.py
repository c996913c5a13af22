"""Where the API may listen: beyond this machine only behind TLS, behind a proxy that has it, or when asked for."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from app.server.settings import ServerSettings
from app.settings import Settings
from core.errors import ConfigError


def check_binding(settings: Settings) -> None:
    """Refuse an address that would send the token in clear text over a network, and TLS files that cannot be read.

    Raises:
        ConfigError: names the key and the ways out.
    """
    server = settings.server
    if bool(server.tls_certificate) != bool(server.tls_key):
        missing = "server.tls_key" if server.tls_certificate else "server.tls_certificate"
        raise ConfigError(f"{missing} is not set", fix="TLS needs both the certificate and its key")
    for key, value in (("tls_certificate", server.tls_certificate), ("tls_key", server.tls_key)):
        if value and not _readable(settings.path(value)):
            raise ConfigError(
                f"server.{key}: {settings.path(value)} cannot be read", fix="correct the path or its rights"
            )
    if not (is_loopback(server.host) or server.tls_certificate or server.trusted_proxies or server.allow_insecure_bind):
        raise ConfigError(
            f"server.host: {server.host} is reachable from other machines, and there is no TLS",
            fix="set server.tls_certificate and server.tls_key, or server.trusted_proxies, "
            "or insist with --allow-insecure-bind",
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that address; a name other than localhost counts as reachable."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def base_url(server: ServerSettings, port: int) -> str:
    """The address under which the API answers, once it listens on `port`."""
    host = f"[{server.host}]" if ":" in server.host else server.host
    return f"{'https' if server.tls_certificate else 'http'}://{host}:{port}"


def _readable(path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False
