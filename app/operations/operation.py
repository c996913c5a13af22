"""An operation: a plain async function, and how it is reached over HTTP.

The API registers each operation as a route, `app.operations.remote` calls it over the wire, and the command line does
one or the other, so that none of them can differ in arguments or output.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Concatenate, Generic, Literal, ParamSpec, TypeVar

from app.operations.context import Context
from core.models import Model

P = ParamSpec("P")
Out = TypeVar("Out", bound=Model)
Method = Literal["GET", "POST"]


@dataclass(frozen=True, slots=True)
class Operation(Generic[P, Out]):
    """One thing that can be asked for.

    Attributes:
        method: GET sends the arguments as query parameters, POST as a JSON object.
        path: with ``{argument}`` for those that stand in the path.
        run: the function; its first argument is the `Context`, all others are sent by name.
    """

    method: Method
    path: str
    output: type[Out]
    run: Callable[Concatenate[Context, P], Awaitable[Out]]

    @property
    def name(self) -> str:
        """Name of the function: also the operation id in OpenAPI and the name of the output's schema file."""
        return self.run.__name__

    @property
    def summary(self) -> str:
        """First line of the function's docstring."""
        return (self.run.__doc__ or "").strip().split("\n")[0]


def get(
    path: str, output: type[Out]
) -> Callable[[Callable[Concatenate[Context, P], Awaitable[Out]]], Operation[P, Out]]:
    """Declare a function that only reads."""
    return lambda run: Operation("GET", path, output, run)


def post(
    path: str, output: type[Out]
) -> Callable[[Callable[Concatenate[Context, P], Awaitable[Out]]], Operation[P, Out]]:
    """Declare a function that changes something."""
    return lambda run: Operation("POST", path, output, run)
