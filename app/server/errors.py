"""Errors as the API tells them: a status, one line, a fix; never a traceback."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.exceptions import HTTPException

from app.configuration.layers import dotted
from core.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    QuellError,
    SourceError,
    StoreUnavailable,
    UsageError,
)
from core.models import Model

log = structlog.get_logger(__name__)

STATUSES: tuple[tuple[type[QuellError], int], ...] = (
    (InvalidInput, 422),
    (NotFound, 404),
    (Forbidden, 401),
    (Conflict, 409),
    (UsageError, 400),
    (StoreUnavailable, 503),
    (SourceError, 502),
)
"""The first that fits counts; all other errors are 500."""

_FIXES = {
    404: "see /docs for the paths there are",
    405: "see /docs for the methods of this path",
    413: "send less at once, or raise server.max_body_bytes",
}


class ErrorBody(Model):
    """What every response says that is no success."""

    error: str
    fix: str = ""
    path: str = Field(default="", description="the bad field, when one field is the reason")


RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorBody, "description": "The request makes no sense"},
    401: {"model": ErrorBody, "description": "No token, or the wrong one"},
    404: {"model": ErrorBody, "description": "No such thing"},
    409: {"model": ErrorBody, "description": "The state of the thing forbids this now"},
    413: {"model": ErrorBody, "description": "The body is too large"},
    422: {"model": ErrorBody, "description": "A field is wrong: `path` names it"},
    503: {"model": ErrorBody, "description": "The store does not answer: try again"},
}
"""For OpenAPI."""


def error_response(status: int, body: ErrorBody, headers: dict[str, str] | None = None) -> JSONResponse:
    """A JSON response with the headers that its status calls for (RFC 9110, sections 10.2.3 and 11.6.1)."""
    extra = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}}.get(status, {})
    return JSONResponse(body.model_dump(), status, {**extra, **(headers or {})})


def internal_error() -> JSONResponse:
    """The response to a bug: the log has the details, the caller has the trace id to find them."""
    return error_response(500, ErrorBody(error="internal error", fix="look for this response's X-Trace-ID in the log"))


def install(api: FastAPI) -> None:
    """Answer every kind of error in the same shape."""
    api.add_exception_handler(QuellError, _on_quell_error)
    api.add_exception_handler(HTTPException, _on_http_error)
    api.add_exception_handler(RequestValidationError, _on_invalid_request)


async def _on_quell_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, QuellError)  # noqa: S101  # registered for it
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 500)
    log.log(40 if status >= 500 else 20, "request_refused", status=status, error=str(error))
    path = error.path if isinstance(error, InvalidInput) else ""
    return error_response(status, ErrorBody(error=error.message, fix=error.fix, path=path))


async def _on_http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for it
    body = ErrorBody(error=str(error.detail).lower(), fix=_FIXES.get(error.status_code, ""))
    return error_response(error.status_code, body, dict(error.headers or {}))


async def _on_invalid_request(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for it
    first = error.errors()[0]
    where = dotted(tuple(first["loc"]))
    return error_response(422, ErrorBody(error=f"{where}: {first['msg']}", fix="see /docs for the types", path=where))
