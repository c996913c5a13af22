"""Scores as a table for people."""

from __future__ import annotations

from drills.results import Score

COLUMNS = ("DRILL", "AS", "PASSED", "CAUSE", "ACTIONS", "INNOCENTS", "RECOVERED", "HUMAN", "SECONDS", "RUNG", "COST")
"""Seconds are those until detection, diagnosis, action and recovery, of the whole drill's."""


def row(score: Score) -> tuple[str, ...]:
    """One run: every thing that is judged says yes or no, and what was seen."""
    return (
        score.scenario if score.seed is None else f"{score.scenario} (seed {score.seed})",
        score.environment,
        _told(score.passed),
        _told(score.cause_right, _cause(score)),
        _told(score.action_accepted and not score.forbidden, _actions(score)),
        _told(not score.innocents, ", ".join(score.innocents)),
        _told(score.recovered == score.recovery_expected),
        _told(score.handed_over or not score.human_expected, "got it" if score.handed_over else "not asked"),
        _seconds(score),
        score.rung,
        f"${score.cost_usd:.4f}",
    )


def summary(scores: tuple[Score, ...]) -> str:
    """How many passed; false alarms, which have no column, are told here."""
    passed = sum(score.passed for score in scores)
    alarms = sum(score.false_alarms for score in scores)
    return f"{passed} of {len(scores)} passed" + (f", {alarms} false alarms before the fault" if alarms else "")


def _told(good: bool, what: str = "") -> str:
    return f"{'yes' if good else 'NO'}: {what}" if what else ("yes" if good else "NO")


def _cause(score: Score) -> str:
    return f"{score.root_cause.service} {score.root_cause.kind}" if score.root_cause else "none named"


def _actions(score: Score) -> str:
    return ", ".join(f"{'undo: ' if a.undo else ''}{a.action} {a.service}" for a in score.actions) or "none"


def _seconds(score: Score) -> str:
    steps = (score.seconds.detect, score.seconds.diagnose, score.seconds.act, score.seconds.recover)
    told = "/".join("-" if step is None else f"{step:.0f}" for step in steps)
    return f"{told} of {score.seconds.total:.0f}"
