"""What can be configured of the API."""

from __future__ import annotations

from pydantic import Field, SecretStr

from core.models import Model


class ServerSettings(Model):
    """The HTTP API (`server:` in quell.yaml)."""

    host: str = Field(default="127.0.0.1", min_length=1, description="address to bind")
    port: int = Field(default=8420, ge=0, le=65535, description="0 takes a free port")
    token: SecretStr | None = Field(
        default=None, description="bearer token of the API; unset: made at first start and kept in <data_dir>/token"
    )
    allow_insecure_bind: bool = Field(
        default=False, description="bind another address than loopback without TLS and without a trusted proxy"
    )
    tls_certificate: str = Field(default="", description="path of a PEM certificate chain")
    tls_key: str = Field(default="", description="path of the PEM key of that certificate")
    trusted_proxies: tuple[str, ...] = Field(
        default=(), description="addresses whose X-Forwarded-* headers are believed; they terminate TLS"
    )
    max_body_bytes: int = Field(default=5 * 1024 * 1024, ge=1024, description="larger request bodies get 413")
