"""Payment: charges an amount and signs the receipt."""

from __future__ import annotations

import hashlib

from core.errors import InvalidInput
from drills.shop.roles import ServiceConfig
from drills.shop.web import Reply, Request, Route

_SIGNING_KEY = b"shop"


def routes(config: ServiceConfig) -> tuple[Route, ...]:
    """``POST /charges`` with ``{"user": id, "amount_cents": int}``."""

    def charge(request: Request) -> Reply:
        amount_cents = request.body.get("amount_cents")
        if not isinstance(amount_cents, int) or amount_cents <= 0:
            raise InvalidInput("must be a whole number above zero", path="amount_cents")
        signed = f"{request.body.get('user')}:{amount_cents}:{request.trace.span_id}".encode()
        return Reply({"receipt": hashlib.blake2b(signed, key=_SIGNING_KEY, digest_size=16).hexdigest()})

    return (Route("POST", "/charges", charge),)
