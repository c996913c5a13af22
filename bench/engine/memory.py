"""How much memory a day of many series and a million log lines take, measured in a process of their own."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from analysis.logs.miner import Miner
from bench.engine.load import messages
from clients.series import SeriesRing, series_key
from clients.snapshot import write_snapshot
from core.errors import SourceUnavailable

SERIES, ROUNDS, LINES = 10_000, 1_440, 1_000_000
INTERVAL_SECONDS = 60.0
NAMES = 50
KIBIBYTES = 1024


def peak_mebibytes() -> float:
    """The most memory that the process was given at one time, its interpreter and libraries included.

    Raises:
        SourceUnavailable: the process failed.
    """
    return asyncio.run(_measured())


async def _measured() -> float:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-P", "-m", __name__, stdout=pipe, stderr=pipe)
    told, failure = await process.communicate()
    if process.returncode:
        last = failure.decode(errors="replace")[-300:]
        raise SourceUnavailable(f"the measured process failed: {last}", fix=f"run `python -m {__name__}` to see why")
    return float(told)


def fill() -> tuple[SeriesRing, Miner]:
    """What `clients.buffer` and the template miner hold after that day, the snapshot on disk written once."""
    keys = [
        series_key(f"metric_{number % NAMES}", {"instance": f"10.0.0.{number // NAMES}:9100", "job": "node"})
        for number in range(SERIES)
    ]
    ring = SeriesRing(ROUNDS + 1, SERIES)
    for at in range(ROUNDS):
        ring.begin(at * INTERVAL_SECONDS)
        for number, key in enumerate(keys):
            ring.put(key, at * 1.5 + number)
    with tempfile.TemporaryDirectory(prefix="quell-bench-") as folder:
        write_snapshot(Path(folder) / "metrics.npz", ring)
    miner = Miner()
    for text in messages(LINES):
        miner.add(text)
    return ring, miner


def own_peak_mebibytes() -> float:
    """`VmHWM` of this process (proc(5)); `ru_maxrss` would count the parent's memory at the fork too."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / KIBIBYTES


if __name__ == "__main__":
    held = fill()
    sys.stdout.write(f"{own_peak_mebibytes()}\n")
