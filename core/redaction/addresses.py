"""Passwords and tokens in the user part of URLs (RFC 3986, section 3.2.1), as in connection strings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.redaction.kinds import Found, SecretKind

_URL = re.compile(
    r"(?i)(?<![a-z0-9+.-])[a-z0-9+.-]++://(?P<rest>(?:[^\s\"'<>`]|[\"'<>`](?=[^\s\"'<>`,;)\]}]{1,80}@))++)"
)
_TOKEN = re.compile(r"(?=[^@]{0,200}\d)[\w.~%+/=-]{16,}+")
_ODD_PASSWORD = re.compile(
    r"[\w.~%+-]{1,64}:(?!\d{1,5}[/?#])[^\s/?#@\[\]]{1,200}[/?#][^\s/?#@]{1,200}@[\w.-]{1,253}(?:[:/?#]|$)"
)
"""What follows the colon is no port, so the slash behind it belongs to a password."""

_DATABASES = (
    "postgres",
    "mysql",
    "mariadb",
    "mongodb",
    "redis",
    "valkey",
    "amqp",
    "mssql",
    "sqlserver",
    "clickhouse",
    "nats",
    "cassandra",
)
_MAX_CHARACTERS = 4096  # of a URL's user part: longer ones are no URLs


def in_urls(text: str) -> Iterator[Found]:
    """The password after ``user:``, or a token that stands for the user; the user's name stays readable.

    Databases are often given passwords with raw ``/``, ``?`` or ``#`` in them: there the last ``@`` ends the password.
    """
    if "://" not in text:
        return
    for url in _URL.finditer(text):
        start = url.start("rest")
        end = min(url.end("rest"), start + _MAX_CHARACTERS)
        lowered = url[0][: url.start("rest") - url.start()].lower()
        if not any(name in lowered for name in _DATABASES) and not _ODD_PASSWORD.match(text, start, end):
            end = next((start + at for at, one in enumerate(text[start:end]) if one in "/?#"), end)
        at = text.rfind("@", start, end)
        if at < 0:
            continue
        colon = text.find(":", start, at)
        if colon >= 0 and colon + 1 < at:
            yield Found(SecretKind.PASSWORD, colon + 1, at)
        name_end = colon if colon >= 0 else at
        if _TOKEN.fullmatch(text, start, name_end):
            yield Found(SecretKind.SECRET, start, name_end)
