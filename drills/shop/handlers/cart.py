"""The cart: what each customer wants to buy, kept in the cache."""

from __future__ import annotations

from core.errors import InvalidInput
from drills.shop.calls import Dependencies, Json
from drills.shop.roles import Role, ServiceConfig
from drills.shop.web import Reply, Request, Route

MAX_ITEMS = 20


def routes(config: ServiceConfig) -> tuple[Route, ...]:
    """``GET /carts/{user}``, ``POST /carts/{user}`` with ``{"product": id, "price_cents": int}``."""
    dependencies = Dependencies(config)

    def load(request: Request) -> Json:
        cached = dependencies.call(Role.CACHE, "GET", f"/entries/cart:{request.variables['user']}", request.trace)
        cart: Json = cached["document"] or {"items": []}
        return cart

    def show(request: Request) -> Reply:
        return Reply(load(request))

    def add(request: Request) -> Reply:
        if not isinstance(request.body.get("price_cents"), int):
            raise InvalidInput("missing or not a whole number", path="price_cents")
        cart = {"items": [*load(request)["items"], dict(request.body)][-MAX_ITEMS:]}
        dependencies.call(Role.CACHE, "PUT", f"/entries/cart:{request.variables['user']}", request.trace, cart)
        return Reply(cart)

    return (Route("GET", "/carts/{user}", show), Route("POST", "/carts/{user}", add))
