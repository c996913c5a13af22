"""Reads the Numenta Anomaly Benchmark: `data/*/*.csv`, `labels/combined_windows.json`, `config/profiles.json`."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bench.anomaly.scoring import Labels, Profile, label
from core.errors import InvalidInput
from core.frames import Floats


@dataclass(frozen=True, slots=True)
class LabelledSeries:
    """One file of the benchmark.

    Attributes:
        name: such as realTweets/Twitter_volume_KO.csv.
        times: seconds since the epoch, shape ``(rows,)``, as the file has them: some go back, some repeat.
        values: shape ``(rows,)``.
        windows: first and last row of each labelled window.
        labels: what an alarm at each row is worth.
    """

    name: str
    times: Floats
    values: Floats
    windows: tuple[tuple[int, int], ...]
    labels: Labels

    @property
    def category(self) -> str:
        """Such as realTweets."""
        return self.name.split("/", 1)[0]


@dataclass(frozen=True, slots=True)
class Corpus:
    """The whole benchmark: its series in name order, and its profiles by name."""

    series: tuple[LabelledSeries, ...]
    profiles: dict[str, Profile]

    def windows(self) -> int:
        """How many windows are labelled."""
        return sum(len(one.windows) for one in self.series)

    def categories(self) -> list[str]:
        """Names of the folders, in order."""
        return sorted({one.category for one in self.series})


def load(folder: Path) -> Corpus:
    """Read every labelled file that the folder holds.

    Raises:
        InvalidInput: a window starts or ends at a time that its file does not have.
    """
    windows = json.loads((folder / "labels" / "combined_windows.json").read_text())
    paths = sorted((folder / "data").glob("*/*.csv"))
    names = [(path, path.relative_to(folder / "data").as_posix()) for path in paths]
    series = tuple(_read(path, name, windows[name]) for path, name in names if name in windows)
    costs = json.loads((folder / "config" / "profiles.json").read_text())
    return Corpus(series, {name: _profile(each["CostMatrix"]) for name, each in costs.items()})


def _profile(costs: dict[str, float]) -> Profile:
    return Profile(costs["tpWeight"], costs["fpWeight"], costs["fnWeight"])


def _read(path: Path, name: str, limits: list[list[str]]) -> LabelledSeries:
    with path.open(newline="") as file:
        rows = [(_epoch(row["timestamp"]), float(row["value"])) for row in csv.DictReader(file)]
    times, values = np.array(rows, dtype=np.float64).reshape(-1, 2).T
    windows = tuple((_row(times, start, name), _row(times, end, name)) for start, end in limits)
    return LabelledSeries(name, times, values, windows, label(times.size, windows))


def _row(times: Floats, text: str, name: str) -> int:
    """The first row of that time."""
    rows = np.flatnonzero(times == _epoch(text))
    if rows.size == 0:
        raise InvalidInput(f"no row is of {text}", path=name, fix="unpack the data and its labels from one release")
    return int(rows[0])


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
