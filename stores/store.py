"""The store: transactions in which every repository shares one connection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.errors import SchemaMismatch
from stores.alerts import Alerts
from stores.approvals import Approvals
from stores.attempts import Attempts
from stores.audit import Audit
from stores.calibrations import Calibrations
from stores.changes import Changes
from stores.database import open_database
from stores.decisions import Decisions
from stores.engine import Database
from stores.evidence import EvidenceLog
from stores.feedback import Feedback, Suppressions
from stores.flags import Flags
from stores.histories import Histories
from stores.inbox import Inbox
from stores.incidents import Incidents
from stores.leases import Leases
from stores.migrate import SCHEMA_FIX, status
from stores.outbox import Outbox
from stores.recordings import Recordings
from stores.spending import Spending
from stores.templates import Templates
from stores.timeline import Timeline


class Tx:
    """One transaction: what its repositories change is kept together or not at all.

    Args:
        connection: with the transaction already begun.
        clock: for the times that the store itself sets.
    """

    def __init__(self, connection: AsyncConnection, clock: Clock) -> None:
        self.connection = connection
        self.incidents = Incidents(connection, clock)
        self.alerts = Alerts(connection, clock)
        self.feedback = Feedback(connection, clock)
        self.suppressions = Suppressions(connection, clock)
        self.inbox = Inbox(connection, clock)
        self.timeline = Timeline(connection, clock)
        self.evidence = EvidenceLog(connection, clock)
        self.recordings = Recordings(connection, clock)
        self.decisions = Decisions(connection, clock)
        self.attempts = Attempts(connection, clock)
        self.approvals = Approvals(connection, clock)
        self.outbox = Outbox(connection, clock)
        self.audit = Audit(connection, clock)
        self.leases = Leases(connection, clock)
        self.flags = Flags(connection, clock)
        self.histories = Histories(connection, clock)
        self.calibrations = Calibrations(connection, clock)
        self.changes = Changes(connection, clock)
        self.spending = Spending(connection, clock)
        self.templates = Templates(connection, clock)


class Store:
    """Quell's database. Open it with `Store.open`; share one between all tasks of a process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @classmethod
    async def open(cls, url: str, clock: Clock) -> Self:
        """Open a database that `stores.migrate.upgrade` has brought up to date.

        Raises:
            ConfigError: the URL names no supported database.
            SchemaMismatch: there is no database yet, or migrations are missing, or it is newer than this program.
            StoreUnavailable, StoreCorrupt: it cannot be read.
        """
        current, head = await status(url)
        if current is None:
            raise SchemaMismatch(
                f"there is no {open_database(url).name} yet",
                fix="start `quell serve`, or run `quell db upgrade`; where it should be is data_dir or database_url",
            )
        if current != head:
            raise SchemaMismatch(
                f"the database is at revision {current}, this program needs {head}",
                fix=SCHEMA_FIX,
            )
        return cls(open_database(url), clock)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        """A transaction that commits at the end of the block and rolls back on any error.

        Writers of all processes wait for each other here; never open one inside another, and do not wait for
        the network in one.

        Raises:
            StoreUnavailable, StoreCorrupt: the database cannot be written.
            Conflict: a constraint forbids the change.
        """
        async with self._database.write() as connection:
            yield Tx(connection, self._clock)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """A transaction that sees one state of the database and cannot change it.

        Raises:
            StoreUnavailable, StoreCorrupt: the database cannot be read.
        """
        async with self._database.read() as connection:
            yield Tx(connection, self._clock)

    async def close(self) -> None:
        """Close every connection; the store cannot be used afterwards."""
        await self._database.close()
