"""Where alerts come in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request

from app.operations.alerts import receive_alerts
from app.operations.context import Context
from app.operations.outputs import SentAlerts
from app.server.errors import RESPONSES

WEBHOOK_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object", "required": ["version", "alerts"]},
                "example": {
                    "version": "4",
                    "alerts": [
                        {
                            "status": "firing",
                            "labels": {"alertname": "HighErrorRate", "service": "shop", "severity": "critical"},
                            "annotations": {"summary": "a third of all requests fail"},
                            "startsAt": "2026-03-03T12:00:00Z",
                        }
                    ],
                },
            }
        },
    }
}
"""The body is read as bytes, so that what does not validate can be kept too: OpenAPI has to be told what it is."""


def alert_routes(context: Context, after_change: Callable[[], None]) -> APIRouter:
    """The webhook; `after_change` wakes the worker."""
    router = APIRouter(prefix="/api/alerts", tags=["alerts"], responses=RESPONSES)

    @router.post("/webhook", status_code=202, operation_id="receive_alerts", openapi_extra=WEBHOOK_BODY)
    async def webhook(request: Request) -> SentAlerts:
        """Take alerts in Alertmanager's format (webhook payload version 4); 202 means that they are on disk."""
        sent = await receive_alerts(context, "alertmanager", await request.body())
        after_change()
        return sent

    return router
