"""A diagnosis on request, without an incident and without any effect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from fastapi import APIRouter, Request

from app.server.alerts import WEBHOOK_BODY
from app.server.errors import RESPONSES
from core.errors import InvalidInput
from core.models import Alert
from events.alertmanager import parse
from graphs.investigation import Investigation

Investigate = Callable[[Sequence[Alert]], Awaitable[Investigation]]


def investigate_routes(investigate: Investigate) -> APIRouter:
    """The read-only investigation."""
    router = APIRouter(prefix="/api", tags=["incidents"], responses=RESPONSES)

    @router.post("/investigate", operation_id="investigate", openapi_extra=WEBHOOK_BODY)
    async def investigate_alert(request: Request) -> Investigation:
        """Diagnose the alerts of a body in Alertmanager's format; nothing is changed and nobody is told."""
        alerts = parse(await request.body())
        if not alerts:
            raise InvalidInput("there is no alert to investigate", path="alerts", fix="send at least one")
        return await investigate(alerts)

    return router
