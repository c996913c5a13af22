"""The Docker SDK behind a guard: one session a process, its API version agreed on, every request checked."""

from __future__ import annotations

import socket
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import docker  # type: ignore[import-untyped]  # the SDK ships no types
from docker.errors import APIError, TLSParameterError  # type: ignore[import-untyped]  # as above
from docker.tls import TLSConfig  # type: ignore[import-untyped]  # as above
from docker.transport.unixconn import (  # type: ignore[import-untyped]  # as above
    UnixHTTPAdapter,
    UnixHTTPConnection,
    UnixHTTPConnectionPool,
)
from requests import PreparedRequest, Response

from clients.docker.calls import check
from clients.docker.settings import DockerSettings
from core.errors import ConfigError, SourceRejected

OLDEST_API = (1, 41)
"""Docker Engine 20.10."""
NEWEST_API = (1, 44)
"""Newer engines speak this one too: an answer changes its shape only when a newer version is asked for."""


class _Connection(UnixHTTPConnection):  # type: ignore[misc]  # an untyped base
    """As the SDK's, but a socket that nobody listens on is closed again."""

    def connect(self) -> None:
        """Open the socket.

        Raises:
            OSError: nobody listens.
        """
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(self.timeout)
        try:
            sock.connect(self.unix_socket)
        except OSError:
            sock.close()
            raise
        self.sock = sock


class _Pool(UnixHTTPConnectionPool):  # type: ignore[misc]  # an untyped base
    def _new_conn(self) -> _Connection:
        return _Connection(self.base_url, self.socket_path, self.timeout)


class _Adapter(UnixHTTPAdapter):  # type: ignore[misc]  # an untyped base
    def get_connection(self, url: str, proxies: object = None) -> _Pool:
        with self.pools.lock:
            if url not in self.pools:
                self.pools[url] = _Pool(url, self.socket_path, self.timeout, self.max_pool_size)
            pool: _Pool = self.pools[url]
        return pool


class GuardedClient(docker.APIClient):  # type: ignore[misc]  # an untyped base
    """The SDK's low-level client; a request that is not on the list of `clients.docker.calls` is never sent.

    Every request of the SDK passes `requests.Session.send`, redirects too. Proxies and credentials of the environment
    are left alone.
    """

    def __init__(self, settings: DockerSettings, version: str) -> None:
        super().__init__(
            base_url=settings.url, version=version, timeout=settings.timeout_seconds, tls=_tls_of(settings) or False
        )
        self.trust_env = False
        if settings.url.startswith("unix://"):
            path = settings.url.removeprefix("unix://")
            self.mount("http+docker://", _Adapter(f"http+unix://{path}", settings.timeout_seconds))

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        """Check, then send; a redirect is answered as it is.

        Raises:
            SourceRejected: Quell does not make this call.
        """
        parts = urlsplit(request.url or "")
        check(request.method or "", parts.path, set(parse_qs(parts.query, keep_blank_values=True)))
        answer: Response = super().send(request, **{**kwargs, "allow_redirects": False})
        return answer


def connect(settings: DockerSettings) -> GuardedClient:
    """A client that speaks a version both sides know. Blocks: for worker threads.

    Raises:
        ConfigError: a certificate cannot be used.
        SourceRejected: this is no Docker Engine, or not one whose versions are known here.
        docker.errors.DockerException, requests.RequestException: it did not answer.
    """
    probe = GuardedClient(settings, _text(OLDEST_API))
    try:
        told = probe.version(api_version=False)
    except APIError as error:
        if error.status_code != HTTPStatus.NOT_FOUND:
            raise
        told = None  # every engine tells its version
    finally:
        probe.close()
    if not isinstance(told, dict) or "ApiVersion" not in told:
        raise SourceRejected(f"what answers at {settings.url} is no Docker Engine", fix="correct docker.url")
    newest, oldest = _version(told["ApiVersion"]), _version(told.get("MinAPIVersion") or "1.12")
    agreed = min(newest, NEWEST_API)
    if agreed < OLDEST_API or oldest > NEWEST_API:
        raise SourceRejected(
            f"the engine at {settings.url} speaks API {_text(oldest)} to {_text(newest)}, "
            f"Quell {_text(OLDEST_API)} to {_text(NEWEST_API)}",
            fix="use Docker Engine 20.10 or newer; update Quell for a much newer one",
        )
    return GuardedClient(settings, _text(agreed))


def _tls_of(settings: DockerSettings) -> Any:
    if settings.tls_ca is None and settings.tls_certificate is None:
        return None
    pair = (str(settings.tls_certificate), str(settings.tls_key)) if settings.tls_certificate else None
    ca = str(settings.tls_ca) if settings.tls_ca else None
    try:
        return TLSConfig(client_cert=pair, ca_cert=ca, verify=True)
    except TLSParameterError as error:
        raise ConfigError(
            f"docker: {str(error).splitlines()[0]}", fix="correct docker.tls_ca, docker.tls_certificate, docker.tls_key"
        ) from error


def _version(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    try:
        return int(major), int(minor or 0)
    except ValueError as error:
        raise SourceRejected(f"no API version of an engine: {text[:40]}", fix="correct docker.url") from error


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
