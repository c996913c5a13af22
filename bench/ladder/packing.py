"""Packs exported drills to ship: `python -m bench.ladder.packing FOLDER...`, folders of `quell drill run --export`.

Half of a bundle is ids of traces and spans, random digits that no packer makes smaller. They are numbered instead, each
everywhere by the same number of the same length: who calls whom stays. Stack traces lose the folder of this checkout.
What is packed replays as it did before, which is tried.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import sys
import zipfile
from pathlib import Path

import drills
from bench.ladder.drilled import SHIPPED, unpacked
from core.errors import BundleError
from drills.keeping import SCORE
from graphs.bundle import MANIFEST, Manifest, read_bundle
from graphs.replay import replay

RECORDINGS = "recordings.json"
CHECKOUT = f"{Path(drills.__file__).resolve().parents[1]}/"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can tell: the same run packs to the same bytes."""

_NAMED = re.compile(r'(?:trace|span|parent)_id[\\]*": ?[\\]*"([0-9a-f]{16}(?:[0-9a-f]{16})?)[\\"]')
_HEX = re.compile(r"(?<![0-9a-f])[0-9a-f]{16}(?:[0-9a-f]{16})?(?![0-9a-f])")


def slimmed(files: dict[str, str]) -> dict[str, str]:
    """A bundle's files with the ids of traces and spans numbered in order of appearance, and checksums to match.

    Args:
        files: name -> text, the manifest among them.
    """
    ids = dict.fromkeys(_NAMED.findall(files[RECORDINGS]))
    numbers = {one: f"{number:0{len(one)}x}" for number, one in enumerate(ids, 1)}
    local = {name: text.replace(CHECKOUT, "") for name, text in files.items()}
    done = {name: _HEX.sub(lambda found: numbers.get(found[0], found[0]), text) for name, text in local.items()}
    manifest = Manifest.model_validate_json(files[MANIFEST])
    sums = {name: hashlib.sha256(done[name].encode()).hexdigest() for name in manifest.files}
    done[MANIFEST] = manifest.model_copy(update={"files": sums}).model_dump_json(indent=1) + "\n"
    return done


def pack(run: Path, target: Path) -> None:
    """Write a run's bundle and score as one file."""
    files = {each.name: each.read_text(encoding="utf-8") for each in sorted(run.glob("*.json"))}
    bundle = slimmed({name: text for name, text in files.items() if name != SCORE})
    with zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as zipped:
        for name, text in {**bundle, SCORE: files[SCORE]}.items():
            zipped.writestr(zipfile.ZipInfo(name, EPOCH), text, zipfile.ZIP_LZMA)


async def compared(run: Path, packed: Path) -> None:
    """Replay both.

    Raises:
        BundleError: the packed one comes out another way.
    """
    with unpacked(packed) as folder:
        left, right = await replay(read_bundle(run)), await replay(read_bundle(folder))
    if [each.what for each in left.differences] != [each.what for each in right.differences]:
        raise BundleError(f"{packed} does not replay as {run} does", fix="do not ship it; see what was lost")


if __name__ == "__main__":
    SHIPPED.mkdir(exist_ok=True)
    for argument in sys.argv[1:]:
        packed = SHIPPED / f"{Path(argument).name}.zip"
        pack(Path(argument), packed)
        asyncio.run(compared(Path(argument), packed))
