"""What was done and by whom, in a chain of hashes that shows when somebody changed it afterwards.

Each entry carries the SHA-256 of its own content and of the hash before it (Haber and Stornetta, "How to time-stamp
a digital document", 1991). A separate row keeps the number of entries and the last hash, so that a cut tail shows too.
Somebody who may write the whole database can forge both: keep the head's hash elsewhere if that matters.
"""

from __future__ import annotations

import hashlib
import json
from typing import Self

from sqlalchemy import insert, or_, select

from core.errors import StoreCorrupt
from core.models import Model, Utc
from stores.repository import Repository
from stores.tables import AUDIT, AUDIT_HEAD

GENESIS = "0" * 64
PAGE = 500
_HEAD_ID = 1
_HEAD = select(AUDIT_HEAD).where(AUDIT_HEAD.c.id == _HEAD_ID)


class AuditEntry(Model):
    """One thing that was done. `sequence` starts at 1 and has no gaps."""

    sequence: int
    at: Utc
    actor: str
    action: str
    subject: str
    detail: dict[str, str]
    previous_hash: str
    hash: str = ""

    def sealed(self) -> Self:
        """The entry with the hash that its content calls for."""
        content = self.model_dump(mode="json", exclude={"hash"})
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return self.model_copy(update={"hash": hashlib.sha256(canonical.encode()).hexdigest()})


class AuditHead(Model):
    """Where the chain ends."""

    count: int = 0
    hash: str = GENESIS


class AuditReport(Model):
    """Whether the chain holds, and the first sequence at which it does not."""

    ok: bool
    entries: int
    broken_at: int | None = None
    detail: str = ""


class Audit(Repository):
    """Entries that are only ever added."""

    async def append(self, actor: str, action: str, subject: str, detail: dict[str, str]) -> AuditEntry:
        """Add an entry.

        Args:
            subject: what it was done to: an incident id, attempt id, service ...
            detail: under ``incident`` the incident that it belongs to, when the subject is something else.
        """
        head = await self._first(AuditHead, _HEAD.with_for_update()) or AuditHead()
        entry = AuditEntry(
            sequence=head.count + 1,
            at=self._clock.now(),
            actor=actor,
            action=action,
            subject=subject,
            detail=detail,
            previous_hash=head.hash,
        ).sealed()
        await self._connection.execute(insert(AUDIT).values(dict(entry)))
        latest = {"count": entry.sequence, "hash": entry.hash}
        await self._connection.execute(
            self._insert(AUDIT_HEAD)
            .values(id=_HEAD_ID, **latest)
            .on_conflict_do_update(index_elements=["id"], set_=latest)
        )
        return entry

    async def head(self) -> AuditHead:
        """The number of entries and the last hash, as kept apart from the entries."""
        return await self._first(AuditHead, _HEAD) or AuditHead()

    async def entries(self, after: int = 0, limit: int = PAGE, incident: str | None = None) -> list[AuditEntry]:
        """Entries with a sequence above `after`, oldest first."""
        statement = select(AUDIT).where(AUDIT.c.sequence > after).order_by(AUDIT.c.sequence).limit(limit)
        if incident is not None:
            belongs = AUDIT.c.detail["incident"].as_string() == incident
            statement = statement.where(or_(AUDIT.c.subject == incident, belongs))
        return await self._all(AuditEntry, statement)

    async def verify(self) -> AuditReport:
        """Recompute the whole chain; reads a page at a time."""
        seen = AuditHead()
        limit = PAGE
        while True:
            try:
                page = await self.entries(after=seen.count, limit=limit)
            except StoreCorrupt:
                if limit == 1:
                    return _broken(seen, "the entry cannot be read")
                limit = 1  # find out which one of the page it is
                continue
            for entry in page:
                flaw = _flaw(entry, seen)
                if flaw:
                    return _broken(seen, flaw)
                seen = AuditHead(count=entry.sequence, hash=entry.hash)
            if not page:
                break
        if seen != await self.head():
            return _broken(seen, "the head names another end: entries after this are missing, or the head was changed")
        return AuditReport(ok=True, entries=seen.count)


def _flaw(entry: AuditEntry, before: AuditHead) -> str:
    """What is wrong with an entry, given where the chain stood before it; empty when it fits."""
    if entry.sequence != before.count + 1:
        return "an entry is missing"
    if entry.previous_hash != before.hash:
        return "the entry does not follow from the one before it"
    if entry.sealed().hash != entry.hash:
        return "the entry was changed"
    return ""


def _broken(seen: AuditHead, detail: str) -> AuditReport:
    return AuditReport(ok=False, entries=seen.count, broken_at=seen.count + 1, detail=detail)
