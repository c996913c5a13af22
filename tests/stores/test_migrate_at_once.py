"""Several databases are migrated at once by one process: Alembic's module globals must not mix them up."""

from __future__ import annotations

import asyncio
from pathlib import Path

from stores.migrate import status, upgrade


async def test_databases_that_are_migrated_side_by_side_all_arrive(tmp_path: Path) -> None:
    urls = [f"sqlite+aiosqlite:///{tmp_path / f'{number}.db'}" for number in range(5)]
    await asyncio.gather(*(upgrade(url) for url in urls))
    for url in urls:
        current, head = await status(url)
        assert current == head
