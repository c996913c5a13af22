"""Leases: one worker for each incident, with a fencing token.

A lease is a lock that ends by itself when its holder dies (Gray and Cheriton, "Leases", 1989). The token grows with
each acquisition, so that a holder that was only slow is told apart from its successor (Burrows, "The Chubby lock
service", 2006, sequencers). All holders must read the same wall clock.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from core.errors import LeaseLost
from core.models import Model, Utc
from stores.repository import Repository
from stores.tables import LEASES


class Lease(Model):
    """The right to work on an incident until `expires_at`."""

    incident_id: str
    holder: str
    token: int
    expires_at: Utc


class Leases(Repository):
    """The last lease of each incident."""

    async def acquire(self, incident_id: str, holder: str, ttl_seconds: float) -> Lease | None:
        """Take the incident, unless somebody has it (the same holder counts as somebody).

        Raises:
            Conflict: there is no such incident.
        """
        now = self._clock.now()
        taken = {"holder": holder, "expires_at": now + timedelta(seconds=ttl_seconds)}
        return await self._first(
            Lease,
            self._insert(LEASES)
            .values(incident_id=incident_id, token=1, **taken)
            .on_conflict_do_update(
                index_elements=["incident_id"],
                set_={**taken, "token": LEASES.c.token + 1},
                where=LEASES.c.expires_at <= now,
            )
            .returning(LEASES),
        )

    async def renew(self, lease: Lease, ttl_seconds: float) -> Lease:
        """Keep the incident for longer.

        Raises:
            LeaseLost: it expired, or somebody else took it.
        """
        renewed = lease.model_copy(update={"expires_at": self._clock.now() + timedelta(seconds=ttl_seconds)})
        if not await self._expire_at(lease, renewed.expires_at):
            raise _lost(lease)
        return renewed

    async def check(self, lease: Lease) -> None:
        """Make sure that the incident is still ours; in the transaction of the write that depends on it.

        Raises:
            LeaseLost: it expired, or somebody else took it.
        """
        held = await self._connection.scalar(select(LEASES.c.token).where(*self._held(lease)).with_for_update())
        if held is None:
            raise _lost(lease)

    async def release(self, lease: Lease) -> None:
        """Give the incident back; nothing happens when it was lost."""
        await self._expire_at(lease, self._clock.now())

    async def _expire_at(self, lease: Lease, expires_at: Utc) -> bool:
        result = await self._connection.execute(update(LEASES).where(*self._held(lease)).values(expires_at=expires_at))
        return result.rowcount == 1

    def _held(self, lease: Lease) -> tuple[Any, ...]:
        """The conditions under which a lease is the current one."""
        return (
            LEASES.c.incident_id == lease.incident_id,
            LEASES.c.token == lease.token,
            LEASES.c.expires_at > self._clock.now(),
        )


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(
        f"the lease {lease.token} of {lease.holder} on {lease.incident_id} has ended",
        fix="nothing to do: the worker that took over goes on",
    )
