"""Puts the API together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version

from fastapi import FastAPI, Security
from fastapi.security import HTTPBearer
from starlette.middleware import Middleware

from app.metrics import Metrics
from app.operations.context import Context
from app.server import errors
from app.server.alerts import alert_routes
from app.server.bundles import bundle_routes
from app.server.health import health_routes
from app.server.investigate import Investigate, investigate_routes
from app.server.middleware import Authentication, BodyLimit, Tracing
from app.server.otlp import otlp_routes
from app.server.routes import operation_routes
from clients.otlp import MAX_SPANS_BYTES
from core.traces import Span

_BEARER = HTTPBearer(auto_error=False, description="the token that `quell serve` showed at its first start")


def create_api(
    context: Context,
    *,
    token: str,
    investigate: Investigate,
    metrics: Metrics | None = None,
    after_change: Callable[[], None] = lambda: None,
    keep_spans: Callable[[Sequence[Span]], None] | None = None,
) -> FastAPI:
    """The application that uvicorn serves.

    Args:
        investigate: diagnoses alerts without touching anything.
        after_change: called when something came in or was decided; wakes the worker.
        keep_spans: takes the spans that services send; None: there is no `/v1/traces`.
    """
    metrics = metrics or Metrics()
    api = FastAPI(
        title="Quell",
        version=version("quell"),
        description="Alerts in, diagnosed and healed incidents out.",
        middleware=[
            Middleware(Tracing, clock=context.clock, metrics=metrics),
            Middleware(Authentication, token=token),
            Middleware(BodyLimit, max_bytes=context.settings.server.max_body_bytes),
        ],
    )
    errors.install(api)
    api.include_router(health_routes(context.store, metrics))
    # The middleware decides; the dependency only tells OpenAPI that a token is needed.
    protected = [Security(_BEARER)]
    api.include_router(alert_routes(context, after_change), dependencies=protected)
    api.include_router(operation_routes(context, after_change), dependencies=protected)
    api.include_router(bundle_routes(context), dependencies=protected)
    api.include_router(investigate_routes(investigate), dependencies=protected)
    if keep_spans is not None:
        api.include_router(otlp_routes(keep_spans, max_bytes=MAX_SPANS_BYTES), dependencies=protected)
    return api
