"""The calibration that comes with Quell, fitted on public incidents and drills (`python -m bench.calibration.ship`)."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from analysis.calibration.model import Calibration


@cache
def shipped() -> Calibration:
    """The fit that counts until `quell calibrate` takes another."""
    return Calibration.model_validate_json(files("analysis.calibration").joinpath("shipped.json").read_bytes())
