"""LangGraph's checkpoints, in a file of their own.

The serialiser rebuilds only what the list below names; anything else would come back as a `dict` without a word
(`JsonPlusSerializer(allowed_msgpack_modules=...)` of langgraph-checkpoint). It knows `datetime` and its like by itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from pathlib import Path

import aiosqlite
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from core import models
from core.models import Model
from core.ports import Recollection
from stores.database import explained, new_file, set_pragmas

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


@asynccontextmanager
async def open_checkpointer(path: Path) -> AsyncIterator[AsyncSqliteSaver]:
    """A checkpointer on that file, created when missing; every checkpoint is on disk when it returns.

    Raises:
        StoreUnavailable, StoreCorrupt: the file cannot be read or written, at the start or later inside the block.
    """
    new_file(path)
    with explained(path):
        async with aiosqlite.connect(path) as connection:
            await set_pragmas(connection)
            saver = AsyncSqliteSaver(connection, serde=serializer())
            await saver.setup()
            yield saver
