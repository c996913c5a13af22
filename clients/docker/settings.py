"""The `docker` section of quell.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from core.models import Model


class DockerSettings(Model):
    """How the engine is reached. Without `url` no engine is used."""

    url: str = Field(
        default="",
        pattern=r"^$|^(unix|tcp|http|https)://.+",
        description="unix:///var/run/docker.sock, tcp://host:2376 ...; DOCKER_HOST is accepted",
    )
    tls_ca: Path | None = Field(default=None, description="certificate authority of a tcp engine")
    tls_certificate: Path | None = Field(default=None, description="client certificate of a tcp engine")
    tls_key: Path | None = Field(default=None, description="key of the client certificate")
    timeout_seconds: float = Field(default=10.0, gt=0, description="per call, besides the grace of a stop")
    interval_seconds: float = Field(default=5.0, gt=0, description="between looks at events; the engine keeps only 256")

    @model_validator(mode="after")
    def _certificate_has_its_key(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together: give both or none")
        return self
