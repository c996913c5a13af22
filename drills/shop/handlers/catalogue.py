"""The catalogue: products in pages, with the pages kept in the cache."""

from __future__ import annotations

from drills.shop.calls import Dependencies, Json
from drills.shop.roles import Role, ServiceConfig
from drills.shop.web import Reply, Request, Route

PRODUCTS: tuple[Json, ...] = tuple(
    {"id": f"p{number:02}", "name": f"Product {number}", "price_cents": 199 + 150 * number} for number in range(60)
)


def page_count(items: int, per_page: int) -> int:
    """How many pages a list has.

    A page size of zero never ends: nobody checks the size that a customer asks for. This is one of the shop's
    two bugs, the kind that a real service ships with, and what poison requests hit.
    """
    pages, shown = 0, 0
    while shown < items:
        shown += per_page
        pages += 1
    return pages


def routes(config: ServiceConfig) -> tuple[Route, ...]:
    """``GET /products?page=&per_page=``."""
    dependencies = Dependencies(config)

    def products(request: Request) -> Reply:
        page, per_page = int(request.query.get("page", "0")), int(request.query.get("per_page", "10"))
        pages = page_count(len(PRODUCTS), per_page)
        key = f"/entries/products:{page}:{per_page}"
        cached = dependencies.call(Role.CACHE, "GET", key, request.trace)
        if cached["found"]:
            return Reply(cached["document"])
        document: Json = {"pages": pages, "products": PRODUCTS[page * per_page : (page + 1) * per_page]}
        dependencies.call(Role.CACHE, "PUT", key, request.trace, document)
        return Reply(document)

    return (Route("GET", "/products", products),)
