"""`quell replay`: a recorded incident again, offline."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.main import EXIT_FAILED
from app.cli.options import JsonOption
from app.cli.output import emit, line

if TYPE_CHECKING:
    from graphs.replay import Replay

CONTEXT_CHARACTERS = 60
"""What is shown around the first difference of two long answers."""


def replay(
    bundle: Annotated[Path, typer.Argument(metavar="FOLDER", help="Made by `quell incidents export`.")],
    as_json: JsonOption = False,
) -> int:
    """Run a recorded incident again and show what differs; exit code 1 when anything does."""
    from graphs.bundle import read_bundle
    from graphs.replay import replay as run

    replayed = asyncio.run(run(read_bundle(bundle)))
    emit(replayed, as_json, _render)
    return 0 if replayed.same else EXIT_FAILED


def _render(replayed: Replay) -> None:
    if replayed.same:
        line(f"{replayed.incident}: all {replayed.compared} answers are the same, byte for byte")
    for difference in replayed.differences:
        line(f"{difference.what} differs")
        line("  recorded:", _around(difference.recorded, difference.replayed))
        line("  replayed:", _around(difference.replayed, difference.recorded))


def _around(text: str, other: str) -> str:
    """The part of `text` where it begins to differ from `other`."""
    first = next((place for place, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), len(other))
    start = max(0, first - CONTEXT_CHARACTERS)
    return ("..." if start else "") + text[start : first + CONTEXT_CHARACTERS]
