"""Drills among the incidents of `quell bench ladder`."""

from __future__ import annotations

import random

import pytest

from bench.ladder import drilled as module
from bench.ladder.drilled import DRILLS, OWN, drilled
from bench.ladder.erring import named_service
from bench.ladder.run import PACKS, _incidents
from bench.registry import BENCHES
from bench.result import BenchOptions
from core.errors import InvalidInput, NotFound
from core.models import FaultKind
from drills.keeping import SCORE
from drills.results import Key, Score
from tests.drills.scores import judged

LINK = Key(services=("orders", "payment"), kinds=(FaultKind.NETWORK_DELAY,))


@pytest.fixture
def none_shipped(monkeypatch, tmp_path):
    """Only what the user kept counts."""
    monkeypatch.setattr(module, "SHIPPED", tmp_path / "shipped")


def kept(tmp_path, score: Score):
    """A run without bundle in the user's folder."""
    run = tmp_path / OWN / "hang-processes-7"
    run.mkdir(parents=True)
    (run / SCORE).write_text(score.model_dump_json())


def test_a_drill_in_which_nothing_was_noticed_is_left_out(none_shipped, tmp_path):
    kept(tmp_path, judged(incident=None))
    assert drilled(tmp_path) == []


def test_a_score_that_says_not_what_was_right_is_told(none_shipped, tmp_path):
    kept(tmp_path, judged().model_copy(update={"key": None}))
    with pytest.raises(InvalidInput, match="what was right"):
        drilled(tmp_path)


def test_without_any_data_the_drills_remain_and_what_is_missing_is_told(none_shipped, tmp_path):
    assert BENCHES["ladder"].packs == PACKS
    found, missing = _incidents(BenchOptions(tmp_path))
    assert found == []
    assert [each.id for each in missing] == [f"{pack}.accuracy" for pack in PACKS if pack != DRILLS]
    assert all("https://" in each.note for each in missing)
    with pytest.raises(NotFound):
        _incidents(BenchOptions(tmp_path, ("petshop",)))


def test_a_right_model_names_either_end_of_a_slow_way_and_a_wrong_one_neither():
    allowed = ("gateway", "orders", "payment", "cart")
    draws = random.Random(1)
    assert {named_service(allowed, LINK, right=True, draws=draws) for _ in range(50)} == {"orders", "payment"}
    assert {named_service(allowed, LINK, right=False, draws=draws) for _ in range(50)} == {"gateway", "cart"}
    assert named_service(("gateway",), LINK, right=True, draws=draws) == ""
