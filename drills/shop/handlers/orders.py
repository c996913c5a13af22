"""Orders: turns a cart into a paid order, with the tax of the customer's country."""

from __future__ import annotations

from drills.shop.calls import Dependencies
from drills.shop.roles import Role, ServiceConfig
from drills.shop.web import Reply, Request, Route

SHIPPING_CENTS = 490


def routes(config: ServiceConfig) -> tuple[Route, ...]:
    """``POST /orders/{user}`` with ``{"country": code}``, and a note for the receipt if the customer has one."""
    dependencies = Dependencies(config)

    def place(request: Request) -> Reply:
        user = request.variables["user"]
        cart = dependencies.call(Role.CART, "GET", f"/carts/{user}", request.trace)
        net_cents = SHIPPING_CENTS + sum(item["price_cents"] for item in cart["items"])
        tax_cents = net_cents * config.tax_rates[request.body["country"]] // 100
        charge = {"user": user, "amount_cents": net_cents + tax_cents}
        noted = {**charge, "note": request.body.get("note", "")}
        receipt = dependencies.call(Role.PAYMENT, "POST", "/charges", request.trace, noted)
        return Reply({"order": request.trace.span_id, "receipt": receipt["receipt"], **charge})

    return (Route("POST", "/orders/{user}", place),)
