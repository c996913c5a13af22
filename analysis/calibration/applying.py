"""Gives a ranking the probabilities that outcomes bear out; its order stays."""

from __future__ import annotations

from analysis.calibration.model import Calibration
from analysis.rounding import probability
from core.models import Diagnosis


def calibrated(diagnosis: Diagnosis, calibration: Calibration) -> Diagnosis:
    """The diagnosis with the calibrated probability of its first hypothesis; the others shrink or grow with the rest.

    A diagnosis without features, such as an abstention or a known issue, stays as it is.
    """
    first = diagnosis.first
    if first is None or not diagnosis.features or not first.probability > 0:
        return diagnosis
    sure = calibration.probability(diagnosis.features)
    shares = [sure / first.probability]
    if first.probability < 1:
        shares.append((1 - sure) / (1 - first.probability))
    rest = [
        one.model_copy(update={"probability": probability(one.probability * min(shares))})
        for one in diagnosis.hypotheses[1:]
    ]
    leading = first.model_copy(update={"probability": probability(sure)})
    return diagnosis.model_copy(update={"hypotheses": (leading, *rest), "confidence": leading.probability})
