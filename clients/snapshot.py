"""The scrape history on disk, so that it survives a restart and another process can read it."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import numpy as np
from numpy.lib.format import write_array, write_array_header_1_0

from clients.series import History, SeriesRing
from core.errors import StoreCorrupt

FORMAT = 1


def write_snapshot(path: Path, ring: SeriesRing) -> None:
    """Replace the file in one step; a reader sees the old one or the new one.

    Nothing may be stored in the ring meanwhile. The file is an uncompressed `.npz`
    (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), written some rows after the other, so that
    no second copy of the history is in memory.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    keys, times = ring.keys, ring.times
    parts = {
        "format": np.array(FORMAT),
        "keys": np.frombuffer(json.dumps(keys).encode(), dtype=np.uint8),
        "times": times,
    }
    try:
        with temporary.open("wb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                for name, array in parts.items():
                    with archive.open(f"{name}.npy", "w") as member:
                        write_array(member, array, allow_pickle=False)
                with archive.open("values.npy", "w", force_zip64=True) as member:
                    shape = (len(keys), times.size)
                    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
                    write_array_header_1_0(member, header)
                    for rows in ring.values():
                        member.write(rows.astype("<f8", copy=False).tobytes())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_snapshot(path: Path) -> History:
    """Read what `write_snapshot` wrote.

    Raises:
        FileNotFoundError: there is none.
        StoreCorrupt: it is damaged, or of another format.
    """
    fix = f"nothing to do: the history starts anew; delete {path} to be rid of this warning"
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            if int(file["format"]) != FORMAT:
                raise StoreCorrupt(f"{path} has format {int(file['format'])}, not {FORMAT}", fix=fix)
            times = np.asarray(file["times"], dtype=np.float64)
            values = np.asarray(file["values"], dtype=np.float64)
            keys = tuple(
                tuple((str(label), str(value)) for label, value in key) for key in json.loads(file["keys"].tobytes())
            )
    except FileNotFoundError:
        raise
    except (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
        raise StoreCorrupt(f"{path} is damaged: {error}"[:300], fix=fix) from error
    if times.ndim != 1 or values.shape != (len(keys), times.size) or not np.all(np.diff(times) > 0):
        raise StoreCorrupt(f"{path} is damaged: its parts do not fit together", fix=fix)
    return History(keys, times, values)
