"""What a benchmark is asked and what it answers: figures with floor and aim, peers beside them, cases one by one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import Field

from core.models import Model


class Met(StrEnum):
    """Which target a figure reaches."""

    AIM = "aim"
    FLOOR = "floor"
    MISSED = "missed"
    NO_TARGET = "no_target"


class Figure(Model):
    """One measured number."""

    id: str = Field(description="stable name, such as nezha.as_at_1")
    value: float | None = Field(description="None: could not be measured here; `note` says why")
    unit: str = ""
    floor: float | None = None
    aim: float | None = None
    lower_is_better: bool = False
    met: Met = Met.NO_TARGET
    note: str = ""


class Case(Model):
    """One case of a data set."""

    name: str
    group: str = Field(default="", description="system, day or fault kind that it belongs to")
    expected: str = ""
    answer: str = ""
    score: float | None = Field(default=None, description="1 right, 0 wrong, between for shared credit")
    detail: dict[str, str] = {}


class Peer(Model):
    """Another method on the same cases in the same run."""

    name: str
    source: str = Field(default="", description="paper or project that it is a plain version of")
    figures: tuple[Figure, ...] = ()


class BenchResult(Model):
    """What `quell bench ... --json` prints."""

    name: str
    figures: tuple[Figure, ...]
    cases: tuple[Case, ...] = Field(
        default=(), description="only with --cases; those of the ladder always hold its matrix"
    )
    peers: tuple[Peer, ...] = Field(default=(), description="only with --peer")
    seconds: float = 0.0
    command: str = ""
    machine: str = ""


class Skipped(Model):
    """A data pack without which a benchmark ran, or could not run."""

    bench: str
    pack: str
    reason: str = Field(description="what is not there, and its public source")


class BenchSuite(Model):
    """What `quell bench all --json` prints."""

    results: tuple[BenchResult, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """What the user asked for.

    Attributes:
        data: folder into which `../shared/data/unpack` or the public sources were unpacked.
        packs: names of data packs; empty means every pack that the benchmark knows.
        with_cases: list each case.
        with_peers: run the simple baselines on the same cases too.
    """

    data: Path
    packs: tuple[str, ...] = ()
    with_cases: bool = False
    with_peers: bool = False


def figure(
    name: str,
    value: float | None,
    unit: str = "",
    *,
    floor: float | None = None,
    aim: float | None = None,
    lower_is_better: bool = False,
    note: str = "",
) -> Figure:
    """A figure that knows which of its targets it reaches; the value shown keeps 4 significant digits."""
    shown = None if value is None else float(f"{value:.4g}")
    met = _met(value, floor, aim, lower_is_better)
    return Figure(
        id=name, value=shown, unit=unit, floor=floor, aim=aim, lower_is_better=lower_is_better, met=met, note=note
    )


def _met(value: float | None, floor: float | None, aim: float | None, lower_is_better: bool) -> Met:
    if floor is None and aim is None:
        return Met.NO_TARGET
    if value is None:
        return Met.MISSED
    sign = -1.0 if lower_is_better else 1.0
    if aim is not None and sign * value >= sign * aim:
        return Met.AIM
    return Met.FLOOR if floor is not None and sign * value >= sign * floor else Met.MISSED
