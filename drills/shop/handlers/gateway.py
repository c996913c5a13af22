"""The gateway: what customers reach. It passes requests on and keeps nothing."""

from __future__ import annotations

from urllib.parse import urlencode

from drills.shop.calls import Dependencies
from drills.shop.roles import Role, ServiceConfig
from drills.shop.web import Reply, Request, Route


def routes(config: ServiceConfig) -> tuple[Route, ...]:
    """``GET /products``, ``GET|POST /cart/{user}``, ``POST /checkout/{user}``."""
    dependencies = Dependencies(config)

    def products(request: Request) -> Reply:
        target = f"/products?{urlencode(request.query)}"
        return Reply(dependencies.call(Role.CATALOGUE, "GET", target, request.trace))

    def show_cart(request: Request) -> Reply:
        return Reply(dependencies.call(Role.CART, "GET", f"/carts/{request.variables['user']}", request.trace))

    def add_to_cart(request: Request) -> Reply:
        target = f"/carts/{request.variables['user']}"
        return Reply(dependencies.call(Role.CART, "POST", target, request.trace, dict(request.body)))

    def checkout(request: Request) -> Reply:
        target = f"/orders/{request.variables['user']}"
        return Reply(dependencies.call(Role.ORDERS, "POST", target, request.trace, dict(request.body)))

    return (
        Route("GET", "/products", products),
        Route("GET", "/cart/{user}", show_cart),
        Route("POST", "/cart/{user}", add_to_cart),
        Route("POST", "/checkout/{user}", checkout),
    )
