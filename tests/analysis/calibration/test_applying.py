"""A calibration changes how sure a diagnosis is, never what it says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analysis.calibration.applying import calibrated
from analysis.calibration.model import HIGHEST, LOWEST, Calibration
from core.models import Diagnosis, FaultKind, Hypothesis


def diagnosis(probabilities: list[float], **fields: object) -> Diagnosis:
    hypotheses = tuple(
        Hypothesis(service=f"s{index}", kind=FaultKind.HANG, statement="", probability=value, evidence_for=("ev",))
        for index, value in enumerate(probabilities)
    )
    given_ = {"features": {"score": 0.5}, "confidence": probabilities[0] if probabilities else 0.0, **fields}
    return Diagnosis(hypotheses=hypotheses, **given_)  # type: ignore[arg-type]  # fields of any kind


@given(
    st.lists(st.floats(0.001, 1.0), min_size=1, max_size=5).map(lambda found: sorted(found, reverse=True)),
    st.floats(-9, 9),
)
def test_the_order_stays_and_the_first_is_as_sure_as_the_fit_says(found: list[float], intercept: float) -> None:
    fit = Calibration(version="x", intercept=intercept, coefficients=())
    after = calibrated(diagnosis(found), fit)
    said = [one.probability for one in after.hypotheses]
    assert said == sorted(said, reverse=True)
    assert [one.service for one in after.hypotheses] == [f"s{index}" for index in range(len(found))]
    assert abs(after.confidence - fit.probability({})) <= 0.0005
    assert LOWEST <= after.confidence <= HIGHEST
    assert after.confidence == said[0]


def test_what_says_nothing_of_its_evidence_stays_as_it_is() -> None:
    fit = Calibration(version="x", intercept=3.0, coefficients=())
    for untouched in (diagnosis([0.4], features={}), diagnosis([], abstained="nothing"), diagnosis([0.0])):
        assert calibrated(untouched, fit) == untouched
