"""LangGraph's checkpoints, in a file of their own.

The serialiser rebuilds only what the list below names; anything else would come back as a `dict` without a word
(`JsonPlusSerializer(allowed_msgpack_modules=...)` of langgraph-checkpoint). It knows `datetime` and its like by itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import Enum
from pathlib import Path
from typing import Any

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
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


class Checkpointer(AsyncSqliteSaver):
    """LangGraph's own checkpointer, whose database errors are those of `core.errors`.

    Each method that a run uses raises `StoreUnavailable` or `StoreCorrupt`, so that a worker can tell a full disk from
    a bug.
    """

    def __init__(self, connection: aiosqlite.Connection, path: Path) -> None:
        super().__init__(connection, serde=serializer())
        self._path = path

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        with explained(self._path):
            return await super().aget_tuple(config)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        with explained(self._path):
            return await super().aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        with explained(self._path):
            await super().aput_writes(config, writes, task_id, task_path)


@asynccontextmanager
async def open_checkpointer(path: Path) -> AsyncIterator[Checkpointer]:
    """A checkpointer on that file, created when missing; every checkpoint is on disk when it returns.

    Raises:
        StoreUnavailable, StoreCorrupt: the file cannot be read or written.
    """
    new_file(path)
    async with aiosqlite.connect(path) as connection:
        with explained(path):
            await set_pragmas(connection)
            saver = Checkpointer(connection, path)
            await saver.setup()
        yield saver
