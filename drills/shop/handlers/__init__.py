"""What each role of the shop does with a request: one file a role."""

from __future__ import annotations

from collections.abc import Callable

from drills.shop.handlers import cache, cart, catalogue, gateway, orders, payment
from drills.shop.roles import Role, ServiceConfig
from drills.shop.web import Route

ROUTES: dict[Role, Callable[[ServiceConfig], tuple[Route, ...]]] = {
    Role.GATEWAY: gateway.routes,
    Role.CATALOGUE: catalogue.routes,
    Role.CART: cart.routes,
    Role.ORDERS: orders.routes,
    Role.PAYMENT: payment.routes,
    Role.CACHE: cache.routes,
}
"""Builds the routes of a role from the configuration of its process."""
