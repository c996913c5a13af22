"""What all repositories share: one way from rows to models and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy import Executable, Table, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.errors import NotFound, StoreCorrupt
from core.models import Model
from stores.engine import Upsert, insert_into

ModelT = TypeVar("ModelT", bound=Model)


class Repository:
    """Rows of one noun, inside one transaction.

    Args:
        connection: with the transaction already begun.
        clock: for the times that the store itself sets.
    """

    def __init__(self, connection: AsyncConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    async def _all(self, model: type[ModelT], statement: Executable) -> list[ModelT]:
        """The models that a SELECT finds; columns that are no field of the model are left out.

        Raises:
            StoreCorrupt: a row is not what was written.
        """
        try:
            rows = (await self._connection.execute(statement)).mappings().all()
            return [model.model_validate({name: row[name] for name in model.model_fields}) for row in rows]
        except (ValueError, TypeError) as error:  # pydantic's ValidationError is a ValueError
            raise StoreCorrupt(
                f"a stored {model.__name__} cannot be read: {error}",
                fix="restore the database from a backup, or report the bug if no other program wrote to it",
            ) from error

    async def _first(self, model: type[ModelT], statement: Executable) -> ModelT | None:
        """The first model that a SELECT finds, None without any."""
        return next(iter(await self._all(model, statement)), None)

    async def _by_id(self, model: type[ModelT], table: Table, identity: str, *, lock: bool = False) -> ModelT:
        """The row with that id.

        Args:
            lock: keep others from changing it until the transaction ends, where the database locks single rows.

        Raises:
            NotFound: there is none.
        """
        statement = select(table).where(table.c.id == identity)
        found = await self._first(model, statement.with_for_update() if lock else statement)
        if found is None:
            raise NotFound(f"no {model.__name__.lower()} {identity}", fix="check the id: it may be mistyped")
        return found

    def _insert(self, table: Table) -> Upsert:
        """An INSERT that can say what happens when the row is there already."""
        return insert_into(self._connection, table)

    async def _insert_new(self, table: Table, row: Mapping[str, Any]) -> bool:
        """Insert unless a unique constraint says that it is there already; whether it was new."""
        statement = self._insert(table).values(row).on_conflict_do_nothing().returning(*table.primary_key)
        return (await self._connection.execute(statement)).first() is not None

    async def _update(self, model: type[ModelT], table: Table, identity: str, fields: Mapping[str, Any]) -> ModelT:
        """Change some fields of the row with that id, checked as the model checks them.

        Raises:
            NotFound: there is no such row.
            pydantic.ValidationError: a field does not exist or has a wrong value.
        """
        before = await self._by_id(model, table, identity, lock=True)
        after = model.model_validate({**dict(before), **fields})
        changes = {name: getattr(after, name) for name in fields}
        await self._connection.execute(update(table).where(table.c.id == identity).values(changes))
        return after
