"""Scores as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from drills.results import Score


def scoreboard(scores: Sequence[Score]) -> Table:
    """One row a run, one column a thing that is judged."""
    table = Table(title=f"{sum(score.passed for score in scores)} of {len(scores)} drills passed")
    for heading in ("drill", "passed", "cause", "actions", "innocents", "recovered", "seconds", "rung", "cost"):
        table.add_column(heading)
    for score in scores:
        table.add_row(
            score.scenario if score.seed is None else f"{score.scenario} (seed {score.seed})",
            _mark(score.passed),
            f"{_mark(score.cause_right)} {_cause(score)}",
            f"{_mark(score.action_accepted and not score.forbidden)} {_actions(score)}",
            f"{_mark(not score.innocents)} {', '.join(score.innocents)}".rstrip(),
            _mark(score.recovered == score.recovery_expected),
            _seconds(score),
            score.rung,
            f"${score.cost_usd:.4f}",
        )
    return table


def _mark(good: bool) -> str:
    return "[green]yes[/]" if good else "[red]no[/]"


def _cause(score: Score) -> str:
    return f"{score.root_cause.service}: {score.root_cause.kind}" if score.root_cause else "none named"


def _actions(score: Score) -> str:
    return ", ".join(f"{'undo: ' if a.undo else ''}{a.action} {a.service}" for a in score.actions) or "none"


def _seconds(score: Score) -> str:
    steps = (score.seconds.detect, score.seconds.diagnose, score.seconds.act, score.seconds.recover)
    told = "/".join("-" if step is None else f"{step:.0f}" for step in steps)
    return f"{told} of {score.seconds.total:.0f}"
