"""The durable door: what comes in is on disk before it is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.errors import InvalidInput
from core.models import Alert, Model
from events.alertmanager import parse
from stores.store import Store

Parser = Callable[[bytes], tuple[Alert, ...]]

PARSERS: Mapping[str, Parser] = {"alertmanager": parse, "cli": parse, "watch": parse}
"""The sources that may post, and how each one's bodies are read; intake reads a stored body the same way."""


class Receipt(Model):
    """What a sender is told: its body is kept."""

    id: int
    alerts: int


async def accept(store: Store, source: str, body: bytes) -> Receipt:
    """Keep a body for intake; when this returns it is durable and may be answered with 202.

    A body that cannot be read is kept too, as rejected, so that what a misconfigured sender said can be looked up.

    Args:
        source: a key of `PARSERS`.

    Raises:
        InvalidInput: the body is kept as rejected; names the path of the bad field.
        StoreUnavailable: nothing was kept; the sender must try again.
    """
    try:
        alerts = PARSERS[source](body)
    except InvalidInput as error:
        async with store.write() as tx:
            await tx.inbox.add(source, body, state="rejected", reason=str(error))
        raise
    async with store.write() as tx:
        item = await tx.inbox.add(source, body)
    return Receipt(id=item.id, alerts=len(alerts))
