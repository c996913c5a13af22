"""What many tests need: waiting for a condition with a deadline, and a full disk."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


async def eventually(
    check: Callable[[], Awaitable[T] | T], *, deadline_seconds: float = 30.0, every_seconds: float = 0.02
) -> T:
    """Call `check` until it returns something true, and return that; fail after the deadline."""
    end = time.monotonic() + deadline_seconds
    while True:
        answer = check()
        result = await answer if isinstance(answer, Awaitable) else answer
        if result:
            return result
        assert time.monotonic() < end, f"still {result!r} after {deadline_seconds} s"
        await asyncio.sleep(every_seconds)


@contextmanager
def no_room() -> Iterator[None]:
    """Files that this process writes end at ten bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
