"""`quell demo`, its output and exit codes; the drill behind it is scored beforehand here."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from types import SimpleNamespace

import pytest

from app.cli.main import main
from drills.environments import Api
from drills.moments import Audience, Moment, Phase
from drills.results import DemoReport, Score
from drills.runner import Linger
from drills.scenario import Scenario
from tests.drills.scores import diagnosed, judged


@pytest.fixture
def scored(monkeypatch):
    """Lets `quell demo` end with a given score; collects the scenarios that were asked for."""
    asked: list[str] = []

    def end_with(score: Score) -> list[str]:
        async def run_scenario(scenario: Scenario, clock: object, *, audience: Audience, linger: Linger) -> Score:
            asked.append(scenario.name)
            audience.moment(Moment(Phase.FAULT, 21.0, "hang at payment", ("a line from a \x1b[31mstranger",)))
            audience.customers(())
            await linger(score, Api("http://127.0.0.1:1", "token"))
            return score

        monkeypatch.setattr("app.cli.demo.run_scenario", run_scenario)
        return asked

    return end_with


def test_a_demo_that_went_well_ends_with_its_report(scored, capsys):
    asked = scored(judged())
    assert main(["demo", "--json"]) == 0
    assert asked == ["hang"]
    out = capsys.readouterr().out
    assert DemoReport.model_validate_json(out.splitlines()[-1]) == DemoReport.of(judged())
    assert out.count("\n") == 1, "standard output holds the object and nothing else"


def test_what_happens_is_shown_and_strangers_do_not_paint_the_terminal(scored, capsys):
    scored(judged())
    assert main(["demo", "--fault", "crash"]) == 0
    out = capsys.readouterr().out
    assert "21.0 s  fault" in out
    assert "hang at payment" in out
    assert "\x1b[31m" not in out
    assert "cause named: payment: hang - right" in out


@pytest.mark.parametrize("changes", [{"diagnosis": diagnosed("gateway")}, {"recovered": False}])
def test_a_wrong_cause_or_a_shop_that_stays_ill_fails_the_demo(scored, changes, capsys):
    scored(judged(**changes))
    assert main(["demo", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["recovered"] is changes.get("recovered", True)


def test_an_unknown_fault_is_told_with_those_that_exist(capsys):
    assert main(["demo", "--fault", "meteor"]) == 1
    told = capsys.readouterr().err
    assert "choose one of" in told
    assert all(name in told for name in ("bad-release", "crash", "hang", "wedged-worker"))


@pytest.fixture
def heeding_ctrl_c():
    """A shell that starts the tests in the background lets them ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeding_ctrl_c")
def test_kept_running_it_reports_at_once_and_ends_on_ctrl_c(scored, monkeypatch, capsys):
    scored(judged())

    def interrupted() -> asyncio.Event:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)
        return asyncio.Event()

    monkeypatch.setattr(
        "app.cli.demo.asyncio", SimpleNamespace(Event=interrupted, CancelledError=asyncio.CancelledError)
    )
    assert main(["demo", "--keep", "--json"]) == 0
    captured = capsys.readouterr()
    assert DemoReport.model_validate_json(captured.out.splitlines()[-1]).recovered
    assert "http://127.0.0.1:1/docs, token token" in captured.err


def test_a_drill_that_is_told_to_stop_ends_like_ctrl_c(monkeypatch):
    async def stopped(*_: object, **__: object) -> Score:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()
        raise AssertionError("never woken")

    monkeypatch.setattr("app.cli.demo.run_scenario", stopped)
    assert main(["demo"]) == 130
