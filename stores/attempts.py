"""Executions of proposals: reserved before they start, one at a time for each service."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from core.errors import AlreadyReserved
from core.models import Attempt
from stores.repository import Repository
from stores.tables import ATTEMPTS, UNFINISHED


class Attempts(Repository):
    """Reservations and what became of them."""

    async def reserve(self, attempt: Attempt) -> Attempt:
        """Claim the right to act, or find the claim that this incident made before for the same proposal.

        The unique constraints decide, so two processes can never both believe that they were first.

        Returns:
            The attempt, or the one that exists for its incident, proposal and `undo_of`.

        Raises:
            AlreadyReserved: another attempt on the service is reserved or running.
            Conflict: there is no such incident.
        """
        if await self._insert_new(ATTEMPTS, {**dict(attempt), "service": attempt.proposal.service}):
            return attempt
        existing = await self._first(
            Attempt,
            select(ATTEMPTS).filter_by(
                incident_id=attempt.incident_id, proposal_hash=attempt.proposal_hash, undo_of=attempt.undo_of
            ),
        )
        if existing is None:
            raise AlreadyReserved(
                f"an action on {attempt.proposal.service} is already under way", fix="wait until it has ended"
            )
        return existing

    async def update(self, attempt_id: str, **fields: Any) -> Attempt:
        """Change some fields.

        Raises:
            NotFound: there is no such attempt.
            pydantic.ValidationError: a field does not exist or has a wrong value.
        """
        return await self._update(Attempt, ATTEMPTS, attempt_id, fields)

    async def get(self, attempt_id: str) -> Attempt:
        """The attempt with that id.

        Raises:
            NotFound: there is none.
        """
        return await self._by_id(Attempt, ATTEMPTS, attempt_id)

    async def of_incident(self, incident_id: str) -> list[Attempt]:
        """The incident's attempts, oldest first."""
        statement = select(ATTEMPTS).where(ATTEMPTS.c.incident_id == incident_id)
        return await self._all(Attempt, statement.order_by(ATTEMPTS.c.position))

    async def of_service(self, service: str, since: datetime) -> list[Attempt]:
        """Attempts on the service that were reserved at `since` or later, newest first."""
        return await self._all(Attempt, _newest_first(ATTEMPTS.c.service == service, ATTEMPTS.c.reserved_at >= since))

    async def unfinished(self) -> list[Attempt]:
        """Attempts that hold the lock of their service, oldest first."""
        statement = select(ATTEMPTS).where(ATTEMPTS.c.state.in_(UNFINISHED))
        return await self._all(Attempt, statement.order_by(ATTEMPTS.c.position))

    async def find(self, incident: str | None = None, service: str | None = None, limit: int = 100) -> list[Attempt]:
        """Attempts, newest first."""
        wanted = {"incident_id": incident, "service": service}
        conditions = [ATTEMPTS.c[name] == value for name, value in wanted.items() if value is not None]
        return await self._all(Attempt, _newest_first(*conditions).limit(limit))


def _newest_first(*conditions: ColumnElement[bool]) -> Select[Any]:
    return select(ATTEMPTS).where(*conditions).order_by(ATTEMPTS.c.reserved_at.desc(), ATTEMPTS.c.position.desc())
