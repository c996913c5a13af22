"""Which change is suspect: by what it does and shares with the symptoms, when it took effect, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.changes.assess import Assessment, assess, best
from analysis.changes.effective import effective
from analysis.changes.symptoms import Symptoms, symptoms_of
from analysis.config import AnalysisConfig
from analysis.view import ChangeView, LogFrame, SystemView
from core.frames import LogLine
from core.models import Change, FaultKind, Finding, Severity, Shape, Signal, Window
from tests.analysis.changes import diffs

CONFIG = AnalysisConfig()
NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
END = NOON + timedelta(minutes=5)
NAMES = ("shop", "stock")


def at(minutes: float) -> datetime:
    """That many minutes before the symptoms."""
    return NOON - timedelta(minutes=minutes)


def deploy(reference: str = "", minutes: float = 3, **fields: object) -> ChangeView:
    change = Change(service="shop", kind="deploy", at=at(minutes), reference=reference, after=f"r-{minutes:g}")
    return ChangeView(change.model_copy(update=fields), f"ev-{reference or minutes}")


def commit(
    sha: str, text: str, minutes: float = 20, service: str = "", paths: tuple[str, ...] = ("a.go",)
) -> ChangeView:
    change = Change(service=service, kind="commit", at=at(minutes), reference=sha, text=text, paths=paths)
    return ChangeView(change, f"ev-{sha}")


def symptoms(line: str, metric: str = "errors") -> Symptoms:
    """Errors since noon, and a line that tells of them."""
    frame = LogFrame("shop", (LogLine(at=NOON, service="shop", text=line, severity=Severity.CRITICAL),), "ev-log")
    span = Window(start=at(60), end=NOON)
    view = SystemView("shop", Window(start=NOON, end=END), span, (), (frame,), (), (), {}, "", "")
    finding = Finding(
        service="shop",
        signal=Signal.ERRORS,
        shape=Shape.LEVEL_SHIFT,
        metric=metric,
        onset=NOON,
        magnitude=20.0,
        evidence=("ev-metric",),
    )
    return symptoms_of("shop", view, [finding], NAMES, CONFIG)


def judged(views: list[ChangeView], line: str, metric: str = "errors") -> list[Assessment]:
    return [assess(one, symptoms(line, metric), CONFIG, END, NAMES) for one in effective(views)]


def blamed(views: list[ChangeView], line: str, metric: str = "errors") -> str:
    found = best(judged(views, line, metric))
    return found.effective.name if found else "none"


@pytest.mark.parametrize(
    ("text", "line", "metric"),
    [
        (diffs.POOL, "timeout waiting for a free connection from the pool", "db_open_connections"),
        (diffs.LIMIT, "slow query: SELECT id FROM events took 900 ms", "db_query_latency"),
        (diffs.GUARD, "panic: nil pointer dereference in gateway.Charge(card)", "errors"),
        (diffs.CALL, "lookup failed: no builtins in the registry", "errors"),
        (diffs.QUERY, "slow: 51 calls of fetch_item in one request", "latency"),
        (diffs.RENAMED, "query failed: no mapping found for field [title]", "errors"),
        (diffs.CONFIG, "write failed: no space left on device", "disk_used"),
        (diffs.MAJOR, "protobuf runtime version conflict", "errors"),
    ],
)
def test_a_diff_that_explains_the_symptom_is_blamed_beside_innocent_ones(text: str, line: str, metric: str) -> None:
    views = [
        deploy("guilty00", minutes=8),
        commit("guilty00", text),
        deploy("helper00", minutes=1),
        commit("helper00", diffs.HELPER),
        deploy("styles00", minutes=0.5),
        commit("styles00", diffs.STYLE),
    ]
    assert blamed(views, line, metric) == "guilty00"
    assert blamed(views[2:], line, metric) == "none"


def test_a_diff_that_has_nothing_to_do_with_the_symptom_is_not_blamed() -> None:
    assert blamed([deploy("innocent"), commit("innocent", diffs.POOL)], "certificate has expired") == "none"


def test_a_deploy_of_which_nothing_is_known_is_suspect_by_its_time() -> None:
    found = judged([deploy()], "certificate has expired")[0]
    assert found.suspect
    assert not found.documented
    assert found.weight > 0.9


def test_a_deploy_of_documentation_is_not() -> None:
    views = [deploy("manual00"), commit("manual00", diffs.POOL, paths=("docs/pool.md",))]
    assert blamed(views, "no free connection in the pool") == "none"


@pytest.mark.parametrize(("minutes", "reason"), [(-4, "came after"), (90, "too long ago")])
def test_a_change_after_the_symptoms_or_long_before_them_is_not_suspect(minutes: float, reason: str) -> None:
    found = judged([deploy(minutes=minutes)], "boom")[0]
    assert not found.suspect
    assert reason in found.reason


def test_a_drift_dates_a_change_by_its_span() -> None:
    known = symptoms("boom")
    drift = replace(known, gradual=((at(300), NOON),))
    one = effective([deploy(minutes=200)])[0]
    assert not assess(one, known, CONFIG, END, NAMES).suspect
    assert assess(one, drift, CONFIG, END, NAMES).suspect


def test_without_symptoms_nothing_is_suspect() -> None:
    nothing = Symptoms(None, None, (), frozenset(), frozenset(), frozenset(), frozenset())
    assert not assess(effective([deploy()])[0], nothing, CONFIG, END, NAMES).suspect


@pytest.mark.parametrize(
    ("text", "line", "kind"),
    [
        (diffs.CALL, "builtins not found in the registry", FaultKind.INCOMPLETE_RELEASE),
        (diffs.CALL, "the registry of builtins is empty", FaultKind.BAD_RELEASE),
        (diffs.POOL, "SetMaxOpenConns: no such pool", FaultKind.BAD_RELEASE),
    ],
)
def test_a_release_that_misses_what_it_needs_is_incomplete(text: str, line: str, kind: FaultKind) -> None:
    found = best(judged([deploy("sha00000"), commit("sha00000", text)], line))
    assert found is not None
    assert found.kind is kind


def test_a_change_of_configuration_is_one_whoever_ships_it() -> None:
    views = [deploy("sha00000"), commit("sha00000", diffs.CONFIG, paths=("agent/config.yaml",))]
    found = best(judged(views, "no space left on device", "disk_used"))
    assert found is not None
    assert found.kind is FaultKind.BAD_CONFIG


def test_flags_are_told_by_their_name() -> None:
    flag = ChangeView(Change(service="shop", kind="flag", at=at(2), reference="new_ranking", after="on"), "ev-flag")
    assert blamed([flag], "ranking model timed out: new_ranking") == "new_ranking"
    assert blamed([flag], "certificate has expired") == "none"


def test_a_commit_counts_from_the_deploy_that_ships_it() -> None:
    older, newer = commit("aaaaaaa1", "", 50, "shop"), commit("bbbbbbb2", "", 10, "shop")
    found = {one.name: one.at for one in effective([older, newer, deploy(minutes=20), deploy(minutes=5)])}
    assert found == {"aaaaaaa1": at(20), "bbbbbbb2": at(5)}


def test_a_commit_that_was_not_deployed_cannot_be_it() -> None:
    assert [one.name for one in effective([deploy(minutes=20), commit("aaaaaaa1", "", 10, "shop")])] == ["r-20"]
    assert [one.name for one in effective([commit("aaaaaaa1", "", 10, "shop")])] == ["aaaaaaa1"]
    assert effective([commit("aaaaaaa1", "", 10)]) == ()


def test_a_deploy_may_name_its_commit_by_its_first_characters() -> None:
    found = effective([deploy("aaaaaaa"), commit("aaaaaaa1ffff", diffs.POOL)])
    assert [(one.name, one.service, one.at) for one in found] == [("aaaaaaa1ffff", "shop", at(3))]
    assert found[0].evidence == ("ev-aaaaaaa", "ev-aaaaaaa1ffff")


def test_starts_and_the_same_release_again_are_no_suspects() -> None:
    views = [deploy(kind=kind) for kind in ("start", "restart", "stop", "exit", "scale")]
    assert effective([*views, deploy(before="r-3")]) == ()


TEXTS = st.sampled_from([diffs.POOL, diffs.LIMIT, diffs.GUARD, diffs.HELPER, diffs.STYLE, diffs.QUERY, diffs.LOGGED])
HISTORY = st.lists(st.tuples(TEXTS, st.integers(0, 40)), min_size=1, max_size=6)


@given(HISTORY, st.randoms())
def test_neither_order_nor_innocent_changes_nor_names_change_the_answer(history: list[tuple[str, int]], random) -> None:  # type: ignore[no-untyped-def] # Hypothesis hands in its own Random
    line = "slow query in shop: SELECT id FROM events, no free connection for the card"
    views = [
        view
        for number, (text, minutes) in enumerate(history)
        for view in (deploy(f"sha{number:05}", minutes), commit(f"sha{number:05}", text))
    ]
    answer = blamed(views, line)
    shuffled = random.sample(views, len(views))
    innocent = [deploy("docs0000", 1), commit("docs0000", diffs.POOL, paths=("docs/a.md",))]
    assert blamed(shuffled, line) == answer
    assert blamed([*innocent, *views], line) == answer


@given(HISTORY)
def test_without_the_blamed_commit_it_is_not_blamed(history: list[tuple[str, int]]) -> None:
    line = "slow query: SELECT id FROM events, no free connection"
    views = [
        view
        for number, (text, minutes) in enumerate(history)
        for view in (deploy(f"sha{number:05}", minutes), commit(f"sha{number:05}", text))
    ]
    answer = blamed(views, line)
    rest = [view for view in views if view.change.reference != answer]
    assert blamed(rest, line) != answer or answer == "none"


def test_scores_stay_between_nothing_and_all() -> None:
    for text in (diffs.POOL, diffs.LIMIT, diffs.QUERY):
        for one in judged([deploy("sha00000"), commit("sha00000", text)], text):
            assert 0 <= one.score <= one.plausibility <= 1
            assert 0 <= one.weight <= 1
