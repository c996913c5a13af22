"""Payment: charges an amount and signs the receipt."""

from __future__ import annotations

import hashlib

from core.errors import InvalidInput
from drills.shop.roles import ServiceConfig
from drills.shop.web import Reply, Request, Route

_SIGNING_KEY = b"shop"


def routes(config: ServiceConfig) -> tuple[Route, ...]:
    """``POST /charges`` with ``{"user": id, "amount_cents": int, "note": text}``; ``GET /receipts/{user}``: the last.

    Receipts are kept, with what they sign, for notes of any length, and none is ever dropped: the shop's other bug, a
    leak that customers with very long notes make visible, and that ends with the process only.
    """
    receipts: dict[str, tuple[bytes, str]] = {}

    def charge(request: Request) -> Reply:
        amount_cents = request.body.get("amount_cents")
        if not isinstance(amount_cents, int) or amount_cents <= 0:
            raise InvalidInput("must be a whole number above zero", path="amount_cents")
        user, note = str(request.body.get("user")), request.body.get("note", "")
        signed = f"{user}:{amount_cents}:{request.trace.span_id}:{note}".encode()
        receipt = hashlib.blake2b(signed, key=_SIGNING_KEY, digest_size=16).hexdigest()
        receipts[user] = signed, receipt
        return Reply({"receipt": receipt})

    def show(request: Request) -> Reply:
        _, receipt = receipts.get(request.variables["user"], (b"", ""))
        return Reply({"receipt": receipt})

    return (Route("POST", "/charges", charge), Route("GET", "/receipts/{user}", show))
