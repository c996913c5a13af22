"""Writes the calibration that ships: `python -m bench.calibration.ship`, after a change of the ranking."""

from __future__ import annotations

from pathlib import Path

import analysis.calibration
from app.settings import benchmark_data
from bench.calibration.run import fitted
from bench.result import BenchOptions

if __name__ == "__main__":
    shipped = Path(analysis.calibration.__file__).with_name("shipped.json")
    shipped.write_text(fitted(BenchOptions(benchmark_data())) + "\n")
