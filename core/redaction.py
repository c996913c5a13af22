"""Keeps secrets out of logs, errors and listings: by the name of a key, and by the shape of a text.

The shapes are those published by the issuers: Slack (https://api.slack.com/authentication/token-types), OpenAI, GitHub
(https://github.blog/changelog/2021-03-31-authentication-token-format-updates-are-generally-available/), AWS access key
ids, JSON Web Tokens (RFC 7519), bearer credentials (RFC 6750) and passwords in URLs (RFC 3986, section 3.2.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "**********"

_SECRET_KEY = re.compile(
    r"(?i)(^|[_.\-])(token|secret|password|passwd|pwd|api_?key|authorization|cookie|credentials?|private_?key)s?$"
)
_SHAPES = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), r"\1 " + HIDDEN),
    (re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s@/]+@"), r"\g<scheme>:" + HIDDEN + "@"),
    (re.compile(r"(https://hooks\.slack\.com/)\S+"), r"\1" + HIDDEN),
    (re.compile(r"\bxox[abeprs]-[A-Za-z0-9-]{8,}"), HIDDEN),
    (re.compile(r"\bsk-[A-Za-z0-9_-]{16,}"), HIDDEN),
    (re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,}"), HIDDEN),
    (re.compile(r"\bAKIA[0-9A-Z]{16}\b"), HIDDEN),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), HIDDEN),
    (re.compile(r"(?i)\b(token|secret|password|api_?key)=[^\s&\"']+"), r"\1=" + HIDDEN),
)


def is_secret_key(key: str) -> bool:
    """Whether a key of that name usually holds a secret: ``SLACK_BOT_TOKEN``, ``db.password``, ``apiKey``."""
    return bool(_SECRET_KEY.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key)))


def redact_text(text: str) -> str:
    """The text with everything that looks like a secret hidden."""
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return text


def redact(value: Any, key: str = "") -> Any:
    """A copy of nested plain data with secrets hidden; what is neither text nor a container comes back as it is."""
    if isinstance(value, str):
        return HIDDEN if value and is_secret_key(key) else redact_text(value)
    if isinstance(value, Mapping):
        return {name: redact(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact(inner, key) for inner in value]
    return value
