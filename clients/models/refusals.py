"""What the failures of the model libraries mean, as errors of `core.errors` that say what to do.

`openai` and `ollama` are not imported for it: both keep status and answer in attributes of the same names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from typing import Any

import httpx

from clients import failures
from clients.failures import Server
from core.errors import ModelUnavailable, SourceError, SourceRejected, SourceUnavailable
from core.redaction import redact_text

TRANSPORT_ERRORS = (httpx.HTTPError, OSError)
"""Connections that fail; `ollama` turns some into ConnectionError."""
READING_ERRORS = (ValueError, LookupError, TypeError, AttributeError)
"""What the libraries raise on bodies that are not what the API documents."""

NOT_SENT = (httpx.ConnectTimeout, httpx.PoolTimeout)
"""Timeouts before a request was on its way."""

_ADDRESSES = {
    "models.local": "such as http://127.0.0.1:11434, without /api or /v1",
    "models.frontier": "with its path prefix, such as https://api.openai.com/v1, without /chat/completions",
}
"""How the address of each section looks."""

_NO_CHUNKS = "No generation chunks were returned"
"""How langchain says that a stream held nothing that it knows."""

_NOT_IN_LIBRARY = "file does not exist"
"""How Ollama says that there is no such model to pull."""

_OVERFLOW = ("exceed_context_size", "context_length_exceeded", "context size", "context length", "context window")


def understood(server: Server, error: Exception, now: datetime) -> SourceError:
    """The error of ours that an exception of a model library means."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and status >= HTTPStatus.MULTIPLE_CHOICES:
        return _refused(server, status, error, now)
    for each in _chain(error):
        if isinstance(each, httpx.TimeoutException):
            late = SourceUnavailable(f"{server.label} gave no answer in time", fix=f"look at the log of {server.name}")
            return late if isinstance(each, NOT_SENT) else billed(late)
        if isinstance(each, httpx.RemoteProtocolError | httpx.ReadError | httpx.DecodingError):
            return billed(failures.cut_off(server))
        if isinstance(each, TRANSPORT_ERRORS):
            return failures.unreachable(server, each)
    if isinstance(error, READING_ERRORS):
        nothing = str(error) == _NO_CHUNKS
        return billed(unreadable(server, "no part of an answer" if nothing else f"{type(error).__name__}: {error}"))
    told = redact_text(str(getattr(error, "error", "") or error))[: failures.MAX_DETAIL_CHARACTERS]
    if _NOT_IN_LIBRARY in told:
        return SourceRejected(
            f"{server.label} knows no such model: {told}", fix="correct its name; https://ollama.com/library has them"
        )
    return billed(SourceUnavailable(f"{server.label} broke off: {told}", fix=f"look at the log of {server.name}"))


def billed(error: SourceError) -> SourceError:
    """The error, with word that the server had begun to work for the request."""
    error.billed = True
    return error


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what is behind it: the libraries wrap each other's."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        yield each
        seen.add(id(each))
        each = each.__cause__ or each.__context__


def unreadable(server: Server, what: str) -> SourceUnavailable:
    """A success that is none: HTML of a proxy, JSON that is broken or is not the API's."""
    told = " ".join(redact_text(what).split())[: failures.MAX_DETAIL_CHARACTERS]
    return SourceUnavailable(
        f"{server.label} gave an answer that cannot be read: {told}",
        fix=f"check that {server.section}.url is {server.name} itself, {_ADDRESSES[server.section]}",
    )


def unavailable(error: SourceError) -> SourceError:
    """As callers of a `ChatModel` know it: what a retry may help becomes `ModelUnavailable`."""
    if isinstance(error, SourceUnavailable):
        known = ModelUnavailable(error.message, fix=error.fix)
        known.billed = error.billed
        return known
    return error


def _refused(server: Server, status: int, error: Exception, now: datetime) -> SourceError:
    response = getattr(error, "response", None) or getattr(error.__context__, "response", None)
    headers = {name.lower(): value for name, value in response.headers.items()} if response is not None else {}
    detail = redact_text(_detail(error, response))
    if status == HTTPStatus.BAD_REQUEST and any(sign in detail.lower() for sign in _OVERFLOW):
        return SourceRejected(
            f"{server.label} says that the prompt is too long: {detail[: failures.MAX_DETAIL_CHARACTERS]}",
            fix=f"set {server.section}.context_tokens to what the model has, so that prompts are shortened to it",
        )
    if status == HTTPStatus.NOT_FOUND and "model" in detail.lower():
        return SourceRejected(
            f"{server.label} does not know the model: {detail[: failures.MAX_DETAIL_CHARACTERS]}",
            fix=f"correct {server.section}.choice, or `quell models pull` it",
        )
    if status == HTTPStatus.NOT_FOUND:
        told = f"{server.label} answered 404: {detail[: failures.MAX_DETAIL_CHARACTERS]}"
        return SourceRejected(told, fix=f"correct {server.section}.url: {_ADDRESSES[server.section]}")
    if status == HTTPStatus.BAD_REQUEST:
        return SourceRejected(
            f"{server.label} answered 400: {detail[: failures.MAX_DETAIL_CHARACTERS]}",
            fix=f"where it names a parameter that the model does not take, set {server.section}.temperature or .seed to"
            f" null; otherwise choose another model in {server.section}.choice",
        )
    return failures.refusal(server, status, detail, headers, now)


def _detail(error: Exception, response: Any) -> str:
    """What the server says: the text of its error object, or the body."""
    body = response.text if isinstance(response, httpx.Response) and response.is_stream_consumed else ""
    body = body or str(getattr(error, "error", ""))
    try:
        told = json.loads(body)["error"]
    except (ValueError, LookupError, TypeError):
        return body
    if isinstance(told, dict):
        return " ".join(str(told[name]) for name in ("message", "type", "code") if isinstance(told.get(name), str))
    return str(told)
