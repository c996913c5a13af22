"""The kinds of secrets that are told apart, and the placeholder that may stand for one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

HIDDEN = "**********"

STANDS_FOR = re.compile(r"\*{3,}|\[[a-z][a-z-]{2,30}-\d{1,6}\]")
"""What is hidden already: by `HIDDEN`, or by a numbered placeholder such as ``[password-1]``."""


class SecretKind(StrEnum):
    """What somebody who found the text could do with it, by issuer."""

    AWS_KEY = "aws-key"
    AZURE_KEY = "azure-key"
    BASIC_CREDENTIALS = "basic-credentials"
    BEARER_TOKEN = "bearer-token"  # noqa: S105
    COOKIE = "cookie"
    DOCKER_TOKEN = "docker-token"  # noqa: S105
    GITHUB_TOKEN = "github-token"  # noqa: S105
    GITLAB_TOKEN = "gitlab-token"  # noqa: S105
    GOOGLE_KEY = "google-key"
    JWT = "jwt"
    MODEL_KEY = "model-key"
    MONITORING_KEY = "monitoring-key"
    PACKAGE_TOKEN = "package-token"  # noqa: S105
    PASSWORD = "password"  # noqa: S105
    PRIVATE_KEY = "private-key"
    SECRET = "secret"  # noqa: S105
    SENDGRID_KEY = "sendgrid-key"
    SLACK_TOKEN = "slack-token"  # noqa: S105
    STRIPE_KEY = "stripe-key"
    TWILIO_KEY = "twilio-key"
    VENDOR_TOKEN = "vendor-token"  # noqa: S105
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Found:
    """A secret in a text: ``text[start:end]``, without the name or the scheme that gave it away."""

    kind: SecretKind
    start: int
    end: int
