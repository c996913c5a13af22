"""Confidence is measured on labelled incidents under hardships, each system by a fit that never saw it."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.calibration.fitting import FEATURES
from analysis.calibration.model import Calibration
from bench.calibration.hardships import HARDSHIPS
from bench.calibration.outcomes import DRILLS, Answered, answers
from bench.calibration.run import fitted, run
from bench.result import BenchOptions
from core.errors import InvalidInput, NotFound
from core.models import Diagnosis, FaultKind
from drills.results import Score, Scoreboard
from tests.bench.rca import samples
from tests.drills.scores import diagnosed, judged

PACKS_HERE = ("petshop", "sockshop", DRILLS)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hand-made packs of one case each, and three drills."""
    root = tmp_path_factory.mktemp("packs")
    samples.petshop(root)
    samples.sockshop(root)
    drilled(root, *(judged(diagnosis=known(service)) for service in ("payment", "payment", "cart")))
    return root


@pytest.fixture(scope="module")
def seen(data: Path) -> list[Answered]:
    return answers(data, PACKS_HERE)


def known(service: str = "payment", **fields: object) -> Diagnosis:
    """A diagnosis that says what its confidence rests on."""
    features = dict.fromkeys(FEATURES, 0.9)
    return diagnosed(service).model_copy(update={"features": features, **fields})


def drilled(root: Path, *scores: Score, name: str = "one") -> None:
    board = Scoreboard(passed=True, scores=scores)
    (root / DRILLS).mkdir(exist_ok=True)
    (root / DRILLS / f"{name}.json").write_text(board.model_dump_json())


@pytest.mark.parametrize("pack", ["petshop", "sockshop"])
def test_each_case_is_seen_under_each_hardship_and_judged_by_its_label(seen: list[Answered], pack: str) -> None:
    here = [one for one in seen if one.system == pack]
    assert [one.hardship for one in here] == [each.name for each in HARDSHIPS]
    whole, blind = here[0].outcome, here[-1].outcome
    assert whole is not None
    assert whole.right
    assert set(FEATURES) <= set(whole.features)
    assert blind is None or not blind.right  # nothing is heard of the culprit


def test_what_rests_on_no_features_is_no_outcome(tmp_path: Path) -> None:
    calm = judged(diagnosis=diagnosed(kind=FaultKind.FALSE_ALARM))
    silent = judged(diagnosis=Diagnosis(abstained="nothing stands out", confidence=0.0))
    drilled(tmp_path, silent, calm, judged(diagnosis=known()))
    seen = answers(tmp_path, (DRILLS,))
    assert [one.outcome is not None for one in seen] == [False, False, True]
    assert [one.false_alarm for one in seen] == [False, True, False]


def test_a_drill_knows_what_else_is_right(tmp_path: Path) -> None:
    other = judged(diagnosis=known("cart"))
    drilled(tmp_path, judged(diagnosis=known()), other, other.model_copy(update={"cause_right": True}))
    assert [one.outcome.right for one in answers(tmp_path, (DRILLS,)) if one.outcome] == [True, False, True]


def test_drills_need_not_be_there_but_must_be_drills(tmp_path: Path) -> None:
    assert answers(tmp_path, (DRILLS,)) == []
    (tmp_path / DRILLS).mkdir()
    (tmp_path / DRILLS / "broken.json").write_text("{}")
    with pytest.raises(InvalidInput, match="no output of `quell drill run --json`"):
        answers(tmp_path, (DRILLS,))


def test_figures_cases_and_peers(data: Path, seen: list[Answered], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.calibration.run.answers", lambda folder, packs: seen)
    result = run(BenchOptions(data, with_cases=True, with_peers=True))
    figures = {figure.id: figure for figure in result.figures}
    assert (figures["held_out.ece"].floor, figures["held_out.ece"].aim) == (0.10, 0.07)
    assert figures["held_out.brier_skill"].floor == 0.0
    for system in PACKS_HERE:
        assert figures[f"held_out.{system}.ece"].value is not None
    assert {f"{each.name}.named" for each in HARDSHIPS} <= set(figures)
    assert figures["whole.named"].note.startswith("of 5 views")  # a case of each pack, three drills
    assert {case.group for case in result.cases} == set(PACKS_HERE)
    assert {case.score for case in result.cases} == {0.0, 1.0}
    assert {peer.name for peer in result.peers} == {"uncalibrated score", "base rate"}


def test_a_system_that_is_alone_is_held_out_from_everything(data: Path) -> None:
    result = run(BenchOptions(data, (DRILLS,), with_cases=True))
    assert [case.answer for case in result.cases] == ["0.500"] * 3


def test_nothing_to_measure_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no diagnosis names a cause"):
        run(BenchOptions(tmp_path, (DRILLS,)))


def test_what_ships_is_the_fit_on_everything(data: Path, seen: list[Answered], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.calibration.run.answers", lambda folder, packs: seen)
    found = Calibration.model_validate_json(fitted(BenchOptions(data)))
    assert (found.version, found.outcomes) == ("shipped", sum(one.outcome is not None for one in seen))
    assert tuple(one.name for one in found.coefficients) == FEATURES
