"""What a server's refusal or silence means, as an error of `core.errors` that says what to do.

The HTTP libraries differ (httpx, requests, websockets); what their failures mean does not.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from clients.retry_after import retry_after_seconds
from core.errors import SourceError, SourceRejected, SourceUnavailable

MAX_DETAIL_CHARACTERS = 300
MAX_SKEW_SECONDS = 5.0

_NO_TENANT = "no org id"
"""How Loki and Tempo ask for the header X-Scope-OrgID."""


@dataclass(frozen=True, slots=True)
class Server:
    """Whom errors talk about.

    Attributes:
        name: as users call it, such as "Prometheus".
        section: its section in quell.yaml.
        url: its address, without secrets.
    """

    name: str
    section: str
    url: str

    @property
    def label(self) -> str:
        """Name and address."""
        return f"{self.name} at {self.url}"


def unreachable(server: Server, cause: BaseException) -> SourceError:
    """No connection, or one that broke before the answer was complete."""
    if isinstance(_root(cause, ssl.SSLError), ssl.SSLError):
        return SourceRejected(
            f"{server.label}: TLS failed: {_root(cause, ssl.SSLError)}",
            fix=f"check http:// or https:// in {server.section}.url, and set {server.section}.ca_file to its authority",
        )
    reason = _root(cause, OSError) or cause
    number = getattr(reason, "errno", None) or 0
    what = os.strerror(number) if number > 0 else getattr(reason, "strerror", None) or type(reason).__name__
    return SourceUnavailable(
        f"{server.label} does not answer: {what}",
        fix=f"start {server.name}, or correct {server.section}.url",
    )


def late(server: Server, timeout_seconds: float) -> SourceUnavailable:
    """No complete answer in time."""
    return SourceUnavailable(
        f"{server.label} gave no answer within {timeout_seconds:g} s",
        fix=f"look why it is slow, or raise {server.section}.timeout_seconds",
    )


def cut_off(server: Server) -> SourceUnavailable:
    """The connection ended in the middle of an answer."""
    return SourceUnavailable(
        f"{server.label} broke off in the middle of its answer",
        fix=f"look at the log of {server.name} and at any proxy between, or correct {server.section}.url",
    )


def too_large(server: Server, max_bytes: int) -> SourceRejected:
    """The answer exceeds the bound."""
    return SourceRejected(
        f"{server.label} answered with more than {max_bytes} bytes",
        fix=f"ask for a shorter window or fewer series, or raise {server.section}.max_body_bytes",
    )


def not_json(server: Server, content_type: str) -> SourceError:
    """The answer is something else than the API's JSON."""
    if "json" in content_type.lower():
        return SourceUnavailable(
            f"{server.label} gave JSON that cannot be read", fix=f"look at the log of {server.name}, and at any proxy"
        )
    return SourceRejected(
        f"{server.label} answered with {content_type or 'no content type'}, not with JSON",
        fix=f"{server.section}.url must be the API of {server.name} itself, not a login page or another server",
    )


def unexpected(server: Server, what: str) -> SourceRejected:
    """JSON, but not what the API documents."""
    return SourceRejected(
        f"{server.label} gave an answer that cannot be read: {what[:MAX_DETAIL_CHARACTERS]}",
        fix=f"check that {server.section}.url is the address of {server.name}, and that its version is supported",
    )


def refusal(server: Server, status: int, detail: str, headers: Mapping[str, str], now: datetime) -> SourceError:
    """An answer that is no success.

    Args:
        detail: what the server says about it.
        headers: of the answer; looked up in lower case.
    """
    told = _told(detail)
    message = f"{server.label} answered {status}{f': {told}' if told else ''}"
    section = server.section
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        fix = f"set {section}.bearer_token, or {section}.username and {section}.password"
        return SourceRejected(message, fix=f"set {section}.tenant" if _NO_TENANT in told else fix)
    if status == HTTPStatus.NOT_FOUND:
        return SourceRejected(
            message, fix=f"check that {section}.url is the address of {server.name}, with its path prefix"
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = retry_after_seconds(headers.get("retry-after", ""), now)
        asked = "" if wait is None else f", not before {wait:g} s from now"
        return SourceUnavailable(
            message, retry_after_seconds=wait, fix=f"ask again later{asked}, or raise the limits of {server.name}"
        )
    if 300 <= status < 400:
        target = urlsplit(headers.get("location", ""))
        where = f" to {target.scheme}://{target.hostname}" if target.hostname else ""
        return SourceRejected(
            f"{server.label} redirects{where}", fix=f"write the final address in {section}.url; it may be a login page"
        )
    if status >= 500 or status == HTTPStatus.REQUEST_TIMEOUT:
        wait = retry_after_seconds(headers.get("retry-after", ""), now)
        return SourceUnavailable(message, retry_after_seconds=wait, fix=f"look at the log of {server.name}")
    return SourceRejected(message, fix="correct the query, or the limits of the server that it names")


def skew_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """How far the server's clock is ahead of ours, by its `Date`; None when it sends none.

    `Date` has whole seconds and the answer has travelled: only more than `MAX_SKEW_SECONDS` mean anything.
    """
    try:
        skew = (parsedate_to_datetime(headers.get("date", "")) - now).total_seconds()
    except (ValueError, TypeError):
        return None
    return skew if abs(skew) > MAX_SKEW_SECONDS else 0.0


def skew_told(headers: Mapping[str, str], now: datetime) -> str:
    """The skew in words, empty when there is none."""
    skew = skew_seconds(headers, now)
    return f"its clock is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}" if skew else ""


def older(version: str, minimum: tuple[int, ...]) -> bool:
    """Whether a version such as ``2.42.0+ds`` is below the minimum; an unknown one is not."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return found is not None and tuple(int(part) for part in found.group(1).split(".")) < minimum


def _told(detail: str) -> str:
    text = "" if detail.lstrip()[:1] == "<" else " ".join(detail.split())
    return text[:MAX_DETAIL_CHARACTERS]


def _root(error: BaseException, kind: type[BaseException]) -> BaseException | None:
    """The innermost error of that kind behind an error: libraries wrap what the system said."""
    found: BaseException | None = None
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        found = each if isinstance(each, kind) else found
        inner = [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
        waiting += [one for one in inner if isinstance(one, BaseException)]
    return found
