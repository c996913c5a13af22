"""LangGraph's checkpoints: in a file beside the store's, or in the same PostgreSQL database.

The serialiser rebuilds only what the list below names; anything else would come back as a `dict` without a word
(`JsonPlusSerializer(allowed_msgpack_modules=...)` of langgraph-checkpoint). It knows `datetime` and its like by itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum

import aiosqlite
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from sqlalchemy import text

from core import models
from core.models import Model
from core.ports import Recollection
from stores.database import open_database
from stores.postgres import PostgresDatabase
from stores.savers import PostgresCheckpointer, SqliteCheckpointer
from stores.sqlite import SqliteDatabase, set_pragmas

CHECKPOINTED: tuple[type, ...] = (
    *(
        noun
        for noun in (getattr(models, name) for name in models.__all__)
        if isinstance(noun, type) and issubclass(noun, Model | Enum)
    ),
    Recollection,
)
"""Every noun of `core.models` (its `__all__` is the list) and what `core.ports.Knowledge` hands back."""


def serializer() -> JsonPlusSerializer:
    """A serialiser that gives every noun back as what it was."""
    return JsonPlusSerializer(allowed_msgpack_modules=CHECKPOINTED)


Checkpointer = SqliteCheckpointer | PostgresCheckpointer


async def checkpoints_exist(url: str) -> bool:
    """Whether there is anything that `open_checkpointer` would not have to make; changes nothing.

    Raises:
        StoreError: the database does not answer.
    """
    database = open_database(url)
    if not isinstance(database, PostgresDatabase):
        return database.exists()
    try:
        async with database.read() as connection:
            return bool(await connection.scalar(text("SELECT to_regclass('checkpoints') IS NOT NULL")))
    finally:
        await database.close()


@asynccontextmanager
async def open_checkpointer(url: str) -> AsyncIterator[Checkpointer]:
    """A checkpointer on that database, its tables made when missing; every checkpoint is on disk when it returns.

    Raises:
        StoreError: the database cannot be read or written.
    """
    database = open_database(url)
    if isinstance(database, PostgresDatabase):
        async with _open_tables(database) as tables:
            yield tables
    elif isinstance(database, SqliteDatabase):
        async with _open_file(database) as file:
            yield file


@asynccontextmanager
async def _open_tables(database: PostgresDatabase) -> AsyncIterator[PostgresCheckpointer]:
    engine = database.engine("AUTOCOMMIT", pool_size=4, max_overflow=4)
    try:
        saver = PostgresCheckpointer(engine, database, serializer())
        await saver.setup()
        yield saver
    finally:
        await engine.dispose()


@asynccontextmanager
async def _open_file(database: SqliteDatabase) -> AsyncIterator[SqliteCheckpointer]:
    database.create()
    async with aiosqlite.connect(database.path) as connection:
        with database.explained():
            await set_pragmas(connection)
            saver = SqliteCheckpointer(connection, database, serializer())
            await saver.setup()
        yield saver
