"""drain3 (https://github.com/logpai/Drain3) beside our miner, in an environment of its own that is made on demand."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.logs.loghub import LabelledLog
from core.errors import SourceUnavailable

LOCK = Path(__file__).with_name("drain3.lock")
WORKER = Path(__file__).with_name("drain3_worker.py")
STEP_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class PeerRun:
    """What drain3 did.

    Attributes:
        groups: cluster ids by system, in the order of the lines.
        seconds: processor time of each stream.
    """

    groups: dict[str, list[int]]
    seconds: list[float]


def run_drain3(logs: list[LabelledLog], streams: list[list[str]], cache: Path) -> PeerRun:
    """Group each system's lines, and pass once over each stream.

    Args:
        cache: folder below which the environment is made, once for each state of the lock.

    Raises:
        SourceUnavailable: the environment cannot be made, or drain3 does not run in it.
    """
    return asyncio.run(_run(logs, streams, cache))


async def _run(logs: list[LabelledLog], streams: list[list[str]], cache: Path) -> PeerRun:
    python = await _environment(cache)
    asked = json.dumps({"systems": {log.system: log.lines for log in logs}, "streams": streams})
    told = json.loads(await _call([str(python), "-I", str(WORKER)], asked.encode()))
    return PeerRun(told["groups"], told["seconds"])


async def _environment(cache: Path) -> Path:
    """The interpreter of the environment; a half-made one has no mark and is made again."""
    folder = cache / f"drain3-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    python, mark = folder / "bin" / "python", folder / "complete"
    if not mark.exists():
        await _call([sys.executable, "-m", "venv", "--clear", str(folder)])
        install = [
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--require-hashes",
            "-r",
            str(LOCK),
        ]
        await _call([str(python), "-m", "pip", *install])
        mark.touch()
    return python


async def _call(argv: list[str], given: bytes = b"") -> bytes:
    """What a program printed.

    Raises:
        SourceUnavailable: it cannot be started, fails, or takes too long.
    """
    pipe = asyncio.subprocess.PIPE
    fix = "drain3 comes from the package index; see bench/logs/drain3.lock"
    try:
        process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe, stderr=pipe)
        printed, complaint = await asyncio.wait_for(process.communicate(given), STEP_SECONDS)
    except OSError as error:
        raise SourceUnavailable(f"drain3 cannot be run: {error}", fix=fix) from error
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise SourceUnavailable(f"drain3 took more than {STEP_SECONDS:g} s", fix=fix) from error
    if process.returncode != 0:
        last = complaint.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
        raise SourceUnavailable(f"drain3 did not run: {last[0][:200]}", fix=fix)
    return printed
