"""Every way in which a rung can answer, or not, through the incident graph: path, stored reasons, ending, cost.

Columns: what the local rung does, what the frontier does; which of them were asked for the cause; the stored reasons of
its steps; the rung that it ended at; what then happened (done: `leaf` is started again; held: a human is asked first;
human: nobody knows enough); calls of the frontier by all agents, each 0.0035 USD, a late one at its worst case.
"""

from __future__ import annotations

import asyncio

import pytest

from bench.ladder.matrix import CALL_USD, Row, Rules, cells, run_matrix
from core.models import EscalationReason, IncidentStatus, Rung

UNSURE = """
sure        | sure        | local    | unknown_pattern                                      | local    | held  | 0
unsure      | sure        | both     | unknown_pattern several_components                   | frontier | held  | 2
invalid     | sure        | both     | unknown_pattern invalid_output                       | frontier | held  | 2
slow        | sure        | both     | unknown_pattern timeout                              | frontier | held  | 2
down        | sure        | both     | unknown_pattern rung_unavailable                     | frontier | held  | 2
disagreeing | sure        | both     | unknown_pattern several_components low_confidence    | human    | held  | 2
hostile     | sure        | both     | unknown_pattern ungrounded                           | frontier | held  | 2
forbidden   | sure        | frontier | unknown_pattern data_stays                           | frontier | held  | 2
absent      | sure        | frontier | unknown_pattern rung_unavailable                     | frontier | held  | 2
unsure      | unsure      | both     | unknown_pattern several_components low_confidence    | human    | human | 1
unsure      | invalid     | both     | unknown_pattern several_components invalid_output    | human    | human | 3
unsure      | slow        | both     | unknown_pattern several_components timeout           | human    | human | worst
unsure      | down        | both     | unknown_pattern several_components rung_unavailable  | human    | human | 0
unsure      | over budget | local    | unknown_pattern several_components over_budget       | human    | human | 0
unsure      | disagreeing | both     | unknown_pattern several_components several_components | human    | human | 1
unsure      | hostile     | both     | unknown_pattern several_components ungrounded        | human    | human | 1
unsure      | forbidden   | local    | unknown_pattern several_components data_stays        | human    | human | 0
unsure      | absent      | local    | unknown_pattern several_components rung_unavailable  | human    | human | 0
down        | down        | both     | unknown_pattern rung_unavailable rung_unavailable    | human    | human | 0
absent      | absent      | nobody   | unknown_pattern rung_unavailable rung_unavailable    | human    | human | 0
"""
CRITICAL = """
sure        | sure        | local    | critical_severity                                    | local    | done  | 0
unsure      | sure        | local    | critical_severity                                    | local    | done  | 0
invalid     | sure        | local    | critical_severity invalid_output                     | rules    | done  | 0
slow        | sure        | local    | critical_severity timeout                            | rules    | done  | 0
down        | sure        | local    | critical_severity rung_unavailable                   | rules    | done  | 0
disagreeing | sure        | both     | critical_severity rungs_disagree                     | frontier | done  | 1
hostile     | sure        | local    | critical_severity invalid_output                     | rules    | done  | 0
forbidden   | sure        | nobody   | critical_severity data_stays                         | rules    | done  | 0
absent      | sure        | nobody   | critical_severity rung_unavailable                   | rules    | done  | 0
disagreeing | unsure      | both     | critical_severity rungs_disagree                     | frontier | done  | 1
disagreeing | invalid     | both     | critical_severity rungs_disagree invalid_output      | human    | held  | 3
disagreeing | slow        | both     | critical_severity rungs_disagree timeout             | human    | held  | worst
disagreeing | down        | both     | critical_severity rungs_disagree rung_unavailable    | human    | held  | 0
disagreeing | over budget | local    | critical_severity rungs_disagree over_budget         | human    | held  | 0
disagreeing | disagreeing | both     | critical_severity rungs_disagree rungs_disagree      | human    | held  | 1
disagreeing | hostile     | both     | critical_severity rungs_disagree invalid_output      | human    | held  | 2
disagreeing | forbidden   | local    | critical_severity rungs_disagree data_stays          | human    | held  | 0
disagreeing | absent      | local    | critical_severity rungs_disagree rung_unavailable    | human    | held  | 0
slow        | down        | local    | critical_severity timeout                            | rules    | done  | 0
absent      | absent      | nobody   |                                                      | rules    | done  | 0
"""

TABLES = {Rules.UNSURE: UNSURE, Rules.CRITICAL: CRITICAL}
STATUS = {IncidentStatus.RESOLVED: "done", IncidentStatus.AWAITING_APPROVAL: "held", IncidentStatus.ESCALATED: "human"}
ASKED = {(): "nobody", (Rung.LOCAL,): "local", (Rung.FRONTIER,): "frontier", (Rung.LOCAL, Rung.FRONTIER): "both"}
ORDER = (Rung.RULES, Rung.LOCAL, Rung.FRONTIER, Rung.HUMAN)


@pytest.mark.slow
@pytest.mark.flaky(reruns=0)  # nothing here is left to chance
@pytest.mark.parametrize("rules", list(Rules))
def test_each_outcome_of_each_rung_leads_where_it_should(rules: Rules) -> None:
    rows = asyncio.run(run_matrix([each for each in cells() if each.rules is rules]))
    expected = TABLES[rules].strip().split("\n")
    assert sorted(told(row) for row in rows) == sorted(expected)
    for row in rows:
        assert row.cost_usd == pytest.approx(row.booked_usd, abs=2e-6), "the books say the same"
        assert row.acted == (("start leaf",) if row.status is IncidentStatus.RESOLVED else ())
        at = Rung.RULES
        for from_rung, to_rung, _ in row.steps:
            assert from_rung is at
            assert to_rung in {ORDER[ORDER.index(from_rung) + 1], row.ended}, "one rung up, or back to what stands"
            at = to_rung
        assert at is row.ended


def test_no_reason_is_left_out() -> None:
    told = {word for table in TABLES.values() for line in table.split("\n") for word in line.split()}
    assert set(EscalationReason) - {EscalationReason.ABSTAINED} <= told


def told(row: Row) -> str:
    """A row as it stands in the table."""
    reasons = " ".join(reason for _, _, reason in row.steps)
    calls = row.cost_usd / CALL_USD
    counted = f"{calls:.0f}" if abs(calls - round(calls)) < 0.001 else "worst"
    cell = row.cell
    return (
        f"{cell.local:11} | {cell.frontier:11} | {ASKED[row.asked]:8} | {reasons:52} | {row.ended:8} |"
        f" {STATUS[row.status]:5} | {counted}"
    )
