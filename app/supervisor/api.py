"""The supervisor over HTTP, for its unix socket; `clients.processes.client` is the other side."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from app.supervisor.supervisor import Supervisor
from clients.processes.wire import ActionRecord, ActionRequest, Refusal, SupervisorStatus
from core.errors import InvalidInput, NotFound, QuellError
from core.models import ActionOutcome, Change, ServiceState, Window


def create_supervisor_api(supervisor: Supervisor) -> FastAPI:
    """The application; whoever can open the socket may do everything."""
    api = FastAPI(title="quell supervise", docs_url=None, redoc_url=None, openapi_url=None)
    api.add_exception_handler(QuellError, _refuse)
    api.add_exception_handler(RequestValidationError, _refuse_malformed)

    @api.get("/status")
    async def status() -> SupervisorStatus:
        return supervisor.status()

    @api.get("/processes/{process}")
    async def state(process: str) -> ServiceState:
        return await supervisor.state(process)

    @api.get("/processes/{process}/changes")
    async def changes(process: str, start: datetime, end: datetime) -> Sequence[Change]:
        return supervisor.changes(process, Window(start=start, end=end))

    @api.post("/actions")
    async def act(request: ActionRequest) -> ActionOutcome:
        return await supervisor.perform(request)

    @api.get("/actions")
    async def record(key: str) -> ActionRecord | None:
        return supervisor.record(key)

    return api


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, QuellError):
        raise error
    if error.retryable:
        status = HTTPStatus.SERVICE_UNAVAILABLE
    elif isinstance(error, NotFound):
        status = HTTPStatus.NOT_FOUND
    elif isinstance(error, InvalidInput):
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    else:
        status = HTTPStatus.CONFLICT
    return JSONResponse(Refusal(error=error.message, fix=error.fix).model_dump(), status)


async def _refuse_malformed(request: Request, error: Exception) -> JSONResponse:
    fix = "run the same version of quell on both sides"
    return await _refuse(request, InvalidInput(str(error)[:500], path="request", fix=fix))
