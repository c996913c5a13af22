"""How a server is reached: address, credentials, TLS and bounds, the same for every HTTP source."""

from __future__ import annotations

import functools
import ssl
from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit, urlunsplit

import httpx
from pydantic import Field, SecretStr, field_validator, model_validator

from clients.tls import shared_tls_context
from core.errors import ConfigError
from core.models import Model

MAX_BODY_BYTES = 64 * 1024 * 1024


class ConnectionSettings(Model):
    """One server. Credentials inside the address are taken out of it, so that no error ever shows them."""

    url: str = Field(default="", description="http:// or https:// address, with its path prefix; empty: not used")
    bearer_token: SecretStr | None = Field(default=None, description="sent as `Authorization: Bearer`")
    username: str = Field(default="", description="of HTTP basic authentication")
    password: SecretStr | None = Field(default=None, description="of HTTP basic authentication")
    ca_file: str = Field(default="", description="PEM file of the authority that signed the server's certificate")
    certificate_file: str = Field(default="", description="PEM file of a client certificate, for mutual TLS")
    key_file: str = Field(default="", description="PEM file of that certificate's key")
    insecure_skip_verify: bool = Field(default=False, description="accept any certificate: for tests only")
    timeout_seconds: float = Field(default=10.0, gt=0, description="for one whole request")
    max_body_bytes: int = Field(default=MAX_BODY_BYTES, ge=1024, description="larger answers are refused")

    @model_validator(mode="before")
    @classmethod
    def _take_credentials_out(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or not isinstance(data.get("url"), str):
            return data
        try:
            parts = urlsplit(data["url"])
        except ValueError:
            return data  # the check of the address itself tells
        if "@" not in parts.netloc:
            return data
        user, _, password = parts.netloc.rpartition("@")[0].partition(":")
        bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        return {"username": unquote(user), "password": unquote(password), **data, "url": bare}

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if not url:
            return url
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("write the address of the server, such as http://127.0.0.1:9090")
        _ = parts.port  # raises ValueError when it is none
        return url.rstrip("/")

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.bearer_token and self.username:
            raise ValueError("give either bearer_token or username and password")
        if self.key_file and not self.certificate_file:
            raise ValueError("key_file needs certificate_file")
        return self

    def rooted(self, locate: Callable[[str], Path]) -> Self:
        """The same settings with the paths of files made absolute by `locate`."""
        names = ("ca_file", "certificate_file", "key_file")
        return self.model_copy(update={name: str(locate(path)) for name in names if (path := getattr(self, name))})

    @property
    def headers(self) -> dict[str, str]:
        """`Authorization`, for a bearer token (RFC 6750) or basic authentication (RFC 7617); secret."""
        if self.bearer_token:
            return {"Authorization": f"Bearer {self.bearer_token.get_secret_value()}"}
        if not self.username:
            return {}
        pair = f"{self.username}:{self.password.get_secret_value() if self.password else ''}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}

    def tls_context(self) -> ssl.SSLContext:
        """Verifies certificates against the system's authorities, or `ca_file`.

        Raises:
            ConfigError: a file cannot be read or is none of PEM.
        """
        if not (self.ca_file or self.certificate_file or self.insecure_skip_verify):
            return shared_tls_context()
        return _tls_context(self.ca_file, self.certificate_file, self.key_file, self.insecure_skip_verify)


@functools.lru_cache(maxsize=32)
def _tls_context(ca_file: str, certificate_file: str, key_file: str, insecure: bool) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context()
        if certificate_file:
            context.load_cert_chain(certificate_file, key_file or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"the TLS files cannot be used: {error}", fix="correct ca_file, certificate_file and key_file"
        ) from error
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
