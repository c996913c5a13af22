"""What many tests need: waiting for a condition with a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
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
