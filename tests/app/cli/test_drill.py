"""`quell drill`: list and run; the drills themselves are scored beforehand here."""

from __future__ import annotations

import pytest

from app.cli.main import main
from drills.environments import Api, EnvironmentKind
from drills.results import Score, Scoreboard
from drills.runner import Linger
from drills.scenario import Scenario, ScenarioList, scenarios
from tests.drills.scores import judged


@pytest.fixture
def where(monkeypatch) -> list[tuple[str, str]]:
    """Environment and engine of each run."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return []


@pytest.fixture
def runs(monkeypatch, where) -> list[tuple[str, int | None]]:
    """Scenario and seed of each run; crash drills fail."""
    made: list[tuple[str, int | None]] = []

    async def run_scenario(
        scenario: Scenario,
        clock: object,
        *,
        kind: EnvironmentKind,
        engine_url: str,
        seed: int | None,
        audience: object,
        linger: Linger,
    ) -> Score:
        made.append((scenario.name, seed))
        where.append((kind, engine_url))
        score = judged(
            scenario=scenario.model_copy(update={"name": scenario.name}),
            recovered=scenario.name != "crash",
            incident=None,
            seed=seed,
        )
        await linger(score, Api("http://127.0.0.1:1", "token"))
        return score

    monkeypatch.setattr("app.cli.drill.run_scenario", run_scenario)
    return made


def test_runs_are_kept_where_the_user_says_and_nowhere_else(runs, capsys, tmp_path):
    assert main(["drill", "run", "hang", "--repeat", "2", "--rename", "7", "--export", str(tmp_path / "kept")]) == 0
    assert sorted(each.name for each in tmp_path.glob("kept/*")) == ["hang-processes-7", "hang-processes-8"]
    assert "hang-processes-8" in capsys.readouterr().err
    main(["drill", "run", "hang"])
    assert len(list(tmp_path.glob("kept/*"))) == 2


def test_list_shows_every_scenario(capsys):
    assert main(["drill", "list", "--json"]) == 0
    assert ScenarioList.model_validate_json(capsys.readouterr().out).scenarios == scenarios()
    assert main(["drill", "list"]) == 0
    assert all(scenario.title in capsys.readouterr().out for scenario in scenarios()[:1])


def test_one_drill_is_run_and_scored(runs, capsys):
    assert main(["drill", "run", "hang", "--json"]) == 0
    assert runs == [("hang", None)]
    assert Scoreboard.model_validate_json(capsys.readouterr().out).passed


def test_all_are_run_and_one_failure_fails_the_whole(runs, capsys):
    assert main(["drill", "run", "--all"]) == 1
    fitting = [scenario.name for scenario in scenarios() if EnvironmentKind.PROCESSES in scenario.environments]
    assert [name for name, _ in runs] == fitting
    out = capsys.readouterr().out
    assert "crash" in out
    assert f"of {len(fitting)} passed" in out


@pytest.mark.parametrize("kind", ["docker", "swarm"])
def test_an_environment_runs_the_scenarios_that_fit_it(runs, where, kind):
    main(["drill", "run", "--all", "--environment", kind])
    assert [name for name, _ in runs] == [scenario.name for scenario in scenarios()]
    assert set(where) == {(kind, "")}


def test_an_engine_is_taken_from_the_flag_or_from_docker_host(runs, where, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/theirs.sock")
    main(["drill", "run", "hang", "--environment", "docker"])
    main(["drill", "run", "hang", "--environment", "docker", "--engine", "unix:///run/mine.sock"])
    assert where == [("docker", "unix:///run/theirs.sock"), ("docker", "unix:///run/mine.sock")]


def test_a_scenario_that_does_not_fit_is_told_with_where_it_does(capsys):
    assert main(["drill", "run", "memory-growth"]) == 2
    assert "memory-growth does not run as processes" in (told := capsys.readouterr().err)
    assert "docker, swarm" in told


def test_each_repetition_has_its_own_names(runs):
    main(["drill", "run", "hang", "--repeat", "3", "--rename", "40"])
    assert runs == [("hang", 40), ("hang", 41), ("hang", 42)]


@pytest.mark.parametrize("arguments", [[], ["hang", "--all"], ["hang", "--repeat", "0"]])
def test_a_senseless_command_line_is_a_usage_error(runs, arguments, capsys):
    assert main(["drill", "run", *arguments]) == 2
    assert runs == []
    assert capsys.readouterr().err.startswith("error: ")


def test_an_unknown_drill_is_told(runs, capsys):
    assert main(["drill", "run", "meteor"]) == 1
    assert "no scenario is called meteor" in capsys.readouterr().err
