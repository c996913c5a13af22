"""A small benchmark in NAB's format, written to a folder."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

START = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = 500
WINDOW = (400, 439)
PROFILES = {
    "standard": {"CostMatrix": {"tpWeight": 1.0, "fnWeight": 1.0, "fpWeight": 0.11, "tnWeight": 1.0}},
    "reward_low_FN_rate": {"CostMatrix": {"tpWeight": 1.0, "fnWeight": 2.0, "fpWeight": 0.11, "tnWeight": 1.0}},
}


def stamp(row: int) -> str:
    """Time of a row, as the labels write it."""
    return f"{START + timedelta(minutes=5 * row):%Y-%m-%d %H:%M:%S.%f}"


def nab(root: Path) -> Path:
    """Two categories: one file with a spike that is labelled, one without."""
    values = np.random.default_rng(7).uniform(-2, 2, (2, ROWS))
    values[0, 405] = 60.0
    files = {"realOdd/odd.csv": values[0], "realQuiet/quiet.csv": values[1]}
    folder = root / "nab"
    for name, column in files.items():
        path = folder / "data" / name
        path.parent.mkdir(parents=True)
        lines = [f"{stamp(row)[:19]},{value}" for row, value in enumerate(column)]
        path.write_text("\n".join(["timestamp,value", *lines]))
    windows = {"realOdd/odd.csv": [[stamp(WINDOW[0]), stamp(WINDOW[1])]], "realQuiet/quiet.csv": []}
    for name, content in (("labels/combined_windows.json", windows), ("config/profiles.json", PROFILES)):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    return folder
