"""Drills among the incidents of `quell bench ladder`."""

from __future__ import annotations

import asyncio
import random
import re
import zipfile

import pytest

from bench.calibration.hardships import HARDSHIPS
from bench.ladder import drilled as module
from bench.ladder.climbing import put
from bench.ladder.drilled import DRILLS, OWN, SHIPPED, drilled
from bench.ladder.erring import named_service
from bench.ladder.run import PACKS, _incidents
from bench.registry import BENCHES
from bench.result import BenchOptions
from core.errors import InvalidInput, NotFound
from core.models import FaultKind, Severity
from drills.environments import EnvironmentKind
from drills.keeping import SCORE
from drills.results import Key, Score
from drills.scenario import scenarios
from graphs.bundle import MANIFEST
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


def test_every_scenario_ships_as_a_drill_that_says_what_was_right():
    shipped = sorted(SHIPPED.glob("*.zip"))
    assert {each.name.split("-processes-")[0] for each in shipped} >= {
        each.name for each in scenarios() if EnvironmentKind.PROCESSES in each.environments
    }
    assert sum(each.stat().st_size for each in shipped) < 1_100_000
    for each in shipped:
        with zipfile.ZipFile(each) as zipped:
            score = Score.model_validate_json(zipped.read(SCORE))
            assert MANIFEST in zipped.namelist()
        assert score.key is not None
        assert f"{score.scenario}-{score.environment}-{score.seed}" == each.stem


@pytest.mark.slow
def test_shipped_drills_tell_nothing_of_the_machine_that_made_them():
    for each in SHIPPED.glob("*.zip"):
        with zipfile.ZipFile(each) as zipped:
            text = b"".join(map(zipped.read, zipped.namelist())).decode()
        assert not re.search(r"(?<![\w.])/(home|root|tmp|usr|var|work|opt)/", text), each.name


@pytest.mark.slow
def test_a_shipped_drill_goes_through_the_graph_and_every_agent(monkeypatch, tmp_path):
    only = tmp_path / "shipped"
    only.mkdir()
    smallest = min(SHIPPED.glob("memory-leak-*.zip"), key=lambda each: each.stat().st_size)
    (only / smallest.name).write_bytes(smallest.read_bytes())
    monkeypatch.setattr(module, "SHIPPED", only)
    incidents = drilled(tmp_path)
    assert [each.hardship for each in incidents] == [each.name for each in HARDSHIPS]
    whole = incidents[0]
    assert whole.blames(whole.ranked.result)
    assert whole.explains(whole.ranked.result)
    assert (whole.alerts[0].name, whole.severity) == ("MemorySaturation", Severity.WARNING)
    assert len(whole.inventory) == 6
    assert {each.id for each in whole.evidence} >= {one.evidence for one in whole.view.signals}
    climbed = asyncio.run(put(whole, "1", Severity.CRITICAL))
    assert climbed.needed_model
    assert climbed.right
    assert climbed.right_kind
