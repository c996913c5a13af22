"""The inventory: which services there are, and which one some labels mean."""

from __future__ import annotations

from app.operations.context import Context
from app.operations.operation import get, post
from app.operations.outputs import ServiceExplanation, ServiceList


@get("/api/services", ServiceList)
async def list_services(context: Context) -> ServiceList:
    """Every known service with what it is called where, its dependencies, protection and autonomy."""
    return ServiceList(services=context.inventory.all())


@post("/api/services/explain", ServiceExplanation)
async def explain_labels(context: Context, *, labels: dict[str, str]) -> ServiceExplanation:
    """Which service an alert with these labels would be about, and why; nothing is changed."""
    resolution = context.inventory.resolve(labels)
    service = context.inventory.get(resolution.service) if resolution.service else None
    return ServiceExplanation(labels=labels, resolution=resolution, service=service)
