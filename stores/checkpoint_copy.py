"""One thread's checkpoints from one checkpointer to another, by LangGraph's own interface."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import WRITES_IDX_MAP, BaseCheckpointSaver, CheckpointTuple

from core.errors import StoreCorrupt
from stores.copy_report import ThreadCopy


async def copy_thread(source: BaseCheckpointSaver[str], target: BaseCheckpointSaver[str], thread: str) -> ThreadCopy:
    """Make the target's thread equal to the source's, and compare them.

    Raises:
        StoreCorrupt: the target gives back something else than was put in.
        StoreError: as the checkpointers.
    """
    config: RunnableConfig = {"configurable": {"thread_id": thread}}
    given = [each async for each in source.alist(config)]
    await target.adelete_thread(thread)
    for each in reversed(given):  # oldest first, as they were written
        await _copy_one(target, each)
    found = [each async for each in target.alist(config)]
    if [_content(each) for each in found] != [_content(each) for each in given]:
        raise StoreCorrupt(
            f"the checkpoints of {thread} do not come back as they were", fix="try again, and report the bug"
        )
    return ThreadCopy(checkpoints=len(found), writes=sum(len(each.pending_writes or ()) for each in found))


async def _copy_one(target: BaseCheckpointSaver[str], given: CheckpointTuple) -> None:
    """Put a checkpoint and what its tasks had written when the run stopped.

    Writes that LangGraph numbers by their kind (an interrupt, a resume value, an error) go apart from those that it
    numbers by their place, so that both keep their numbers and a run that is taken up again replaces the right ones.
    The place of a task in the graph is not copied: no checkpointer tells it, and it orders tasks that run side by side
    only, of which Quell's graph has none.
    """
    here = given.config["configurable"]
    parent = given.parent_config["configurable"]["checkpoint_id"] if given.parent_config else None
    config: RunnableConfig = {
        "configurable": {
            "thread_id": here["thread_id"],
            "checkpoint_ns": here["checkpoint_ns"],
            **({"checkpoint_id": parent} if parent else {}),
        }
    }
    await target.aput(config, given.checkpoint, given.metadata, given.checkpoint["channel_versions"])
    for task, of_task in groupby(given.pending_writes or (), key=itemgetter(0)):
        writes = [(channel, value) for _, channel, value in of_task]
        special = [write for write in writes if write[0] in WRITES_IDX_MAP]
        numbered = [write for write in writes if write[0] not in WRITES_IDX_MAP]
        for part in (special, numbered):
            if part:
                await target.aput_writes(given.config, part, task)


def _content(given: CheckpointTuple) -> tuple[Any, ...]:
    """What must be equal; the order of writes of different tasks means nothing."""
    writes = sorted(given.pending_writes or (), key=lambda write: (write[0], WRITES_IDX_MAP.get(write[1], 0)))
    here = given.config["configurable"]
    parent = given.parent_config["configurable"]["checkpoint_id"] if given.parent_config else None
    return here["checkpoint_ns"], here["checkpoint_id"], parent, given.checkpoint, given.metadata, writes
