"""Turns every operation into a route: GET takes its arguments as query, POST as JSON body, both from the path too."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query

from app.operations.context import Context
from app.operations.operation import Operation
from app.operations.registry import OPERATIONS
from app.server.errors import RESPONSES
from core.models import Model


def operation_routes(context: Context, after_change: Callable[[], None]) -> APIRouter:
    """A router with all operations.

    Args:
        after_change: called when something was changed, so that the worker need not wait for its next poll.
    """
    router = APIRouter(responses=RESPONSES)
    for operation in OPERATIONS:
        router.add_api_route(
            operation.path,
            _endpoint(operation, context, after_change),
            methods=[operation.method],
            response_model=operation.output,
            operation_id=operation.name,
            summary=operation.summary,
            tags=[operation.path.split("/")[2]],
        )
    return router


def _endpoint(
    operation: Operation[..., Any], context: Context, after_change: Callable[[], None]
) -> Callable[..., Awaitable[Model]]:
    """A function with the operation's own parameters, from which FastAPI derives parsing, checks and OpenAPI."""

    async def endpoint(**arguments: Any) -> Model:
        output: Model = await operation.run(context, **arguments)
        if operation.method == "POST":
            after_change()
        return output

    _, *parameters = inspect.signature(operation.run, eval_str=True).parameters.values()
    placed = [each.replace(annotation=Annotated[each.annotation, _place(operation, each.name)]) for each in parameters]
    endpoint.__signature__ = inspect.Signature(placed)  # type: ignore[attr-defined]  # what FastAPI reads
    endpoint.__doc__ = operation.run.__doc__
    return endpoint


def _place(operation: Operation[..., Any], name: str) -> Any:
    if f"{{{name}}}" in operation.path:
        return Path()
    return Query() if operation.method == "GET" else Body(embed=True)
