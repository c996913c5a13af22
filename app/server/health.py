"""Whether Quell lives, whether it can work, and its metrics."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from app.metrics import Metrics
from app.server.errors import RESPONSES
from core.models import Model
from stores.store import Store


class Health(Model):
    """The answer of a probe."""

    status: str


def health_routes(store: Store, metrics: Metrics) -> APIRouter:
    """Probes, and the page for Prometheus."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", operation_id="healthz")
    async def healthz() -> Health:
        """The process answers."""
        return Health(status="ok")

    @router.get("/readyz", operation_id="readyz", responses={503: RESPONSES[503]})
    async def readyz() -> Health:
        """The store can be read: alerts would be kept."""
        async with store.read() as tx:
            await tx.inbox.counts()
        return Health(status="ready")

    @router.get(
        "/metrics",
        operation_id="metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}, 401: RESPONSES[401], 503: RESPONSES[503]},
    )
    async def own_metrics() -> Response:
        """Quell's own metrics in Prometheus' text format; the scrape needs the token as a bearer token."""
        return Response(await metrics.exposition(store), media_type=CONTENT_TYPE_LATEST)

    return router
