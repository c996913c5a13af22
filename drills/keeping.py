"""Keeps what a drill was about: the incident as a bundle that replays, and the score with the right answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from app.operations.remote import Remote
from core.errors import BundleError
from drills.results import Score

SCORE = "score.json"
"""In the bundle's folder; no part of the bundle."""


async def keep(score: Score, remote: Remote, folder: Path) -> Path:
    """Write one run into a new folder below `folder`, called after scenario, environment and seed.

    Where Quell noticed nothing there is no bundle, only the score.

    Args:
        remote: Quell, which must still run.

    Returns:
        The folder of the run.

    Raises:
        BundleError: it cannot be written.
        QuellError: Quell does not answer.
    """
    run = await asyncio.to_thread(_new_folder, folder, score)
    if score.incident:
        await remote.export(score.incident, run)
    body = score.model_dump_json(indent=1) + "\n"
    await asyncio.to_thread((run / SCORE).write_text, body, encoding="utf-8")
    return run


def _new_folder(folder: Path, score: Score) -> Path:
    """An empty one; where an earlier run has the name, with a number behind it."""
    name = f"{score.scenario}-{score.environment}" + ("" if score.seed is None else f"-{score.seed}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = next(each for each in _numbered(folder / name) if not each.exists())
        free.mkdir()
    except OSError as error:
        raise BundleError(f"cannot write {folder}: {error.strerror}", fix="check the folder and the disk") from error
    return free


def _numbered(folder: Path) -> Iterator[Path]:
    yield folder
    yield from (folder.with_name(f"{folder.name}.{number}") for number in count(2))
