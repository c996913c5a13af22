"""Incidents that drills left behind, as the agents are given them: the bundles that ship, and the user's own.

A bundle goes the way of production: the graph runs on the recording up to where it would act, and what it then knows
is put to the agents. The label is what the drill did, under the names of that run.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from app.operations.bundles import unzip_bundle
from bench.ladder.incidents import Replayed, hardened
from core.errors import InvalidInput
from drills.keeping import SCORE
from drills.results import Key, Score
from graphs.bundle import MANIFEST, read_bundle
from graphs.seen import seen

DRILLS = "drills"
OWN = "drills-bundles"
"""Folder beside the data packs for what `quell drill run --export` wrote; it may be missing."""

SHIPPED = Path(__file__).with_name("drills")
"""Packed by `bench.ladder.packing`."""


def drilled(data: Path) -> list[Replayed]:
    """Every drill under every hardship, as the rules see it; those in which Quell noticed nothing are left out.

    Raises:
        BundleError: a bundle is damaged, or of another version.
        InvalidInput: a drill has no score, or one that says not what was right.
    """
    found = [*sorted(SHIPPED.glob("*.zip")), *sorted((data / OWN).glob("*"))]
    return [one for seed, path in enumerate(found) for one in _under_hardships(path, seed)]


def _under_hardships(path: Path, seed: int) -> Iterator[Replayed]:
    with unpacked(path) as folder:
        key = key_of(folder / SCORE)
        if not (folder / MANIFEST).exists():
            return
        then = asyncio.run(seen(read_bundle(folder)))
    name = path.name.removesuffix(".zip")
    for one in hardened(DRILLS, name, key, then.view, then.config, then.evidence, seed):
        yield replace(one, alerts=then.alerts, inventory=then.services, severity=then.incident.severity)


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """The folder of a run, which may be packed.

    Raises:
        BundleError: it cannot be unpacked.
    """
    if path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="quell-") as scratch:
        unzip_bundle(path.read_bytes(), Path(scratch))
        yield Path(scratch)


def key_of(file: Path) -> Key:
    """What was right in a drill.

    Raises:
        InvalidInput: the file is no score, or one without.
    """
    try:
        key = Score.model_validate_json(file.read_bytes()).key
    except (OSError, ValidationError) as error:
        raise _no_score(file) from error
    if key is None:
        raise _no_score(file)
    return key


def _no_score(file: Path) -> InvalidInput:
    return InvalidInput(
        "this is no score that says what was right", path=str(file), fix="run it again with `quell drill run --export`"
    )
