"""`quell costs`: what the language models cost, and what is left of the budget."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated

import typer

from app.cli.backend import ask
from app.cli.options import JsonOption, LimitOption, ServerOption, load_settings, moment
from app.cli.output import emit, line, table, when
from app.operations import costs as operations
from app.operations.outputs import CostReport
from core.spending import CostBy, CostRow

NONE = "no language model was asked"
_AGE = re.compile(r"(\d{1,4})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}


def costs(
    by: Annotated[CostBy, typer.Option(help="What costs are summed by.")] = CostBy.DAY,
    since: Annotated[
        str, typer.Option(help="Only calls since then: 24h, 7d, 4w, or a time in ISO 8601 with a zone.")
    ] = "",
    limit: LimitOption = 100,
    server: ServerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show what calls of language models cost, those under way at their worst case."""
    emit(ask(server, operations.show_costs, by=by, since=_start(since), limit=limit), as_json, _render)


def _start(text: str) -> datetime | None:
    """When that was; an age counts from now.

    Raises:
        UsageError: it is neither an age nor a time with a zone.
    """
    age = _AGE.fullmatch(text)
    if age is None:
        return moment(text)
    return load_settings().clock.now() - timedelta(hours=int(age[1]) * _HOURS[age[2]])


def _render(report: CostReport) -> None:
    if report.by is CostBy.CALL:
        _render_calls(report)
    else:
        columns = (report.by.upper(), "CALLS", "ANSWERED", "PROMPT", "ANSWER", "USD", "UNDER WAY")
        table(columns, [_row(each.key or "-", each) for each in report.rows], empty=NONE)
    if report.total.calls:
        total = report.total
        line(
            f"total: {total.calls} calls, {total.prompt_tokens + total.output_tokens} tokens, {total.cost_usd:.4f} USD"
        )
    for each in report.budget:
        line(f"last {each.period}: {each.spent_usd:.4f} of {each.cap_usd:g} USD")


def _row(key: str, row: CostRow) -> tuple[object, ...]:
    pending = f"{row.pending_usd:.4f}" if row.pending_usd else ""
    return key, row.calls, row.answered, row.prompt_tokens, row.output_tokens, f"{row.cost_usd:.4f}", pending


def _render_calls(report: CostReport) -> None:
    rows = [
        (
            when(each.at),
            each.model,
            each.agent,
            each.task,
            each.incident_id,
            each.service,
            each.user,
            each.outcome,
            each.prompt_tokens,
            each.output_tokens,
            f"{each.cost_usd:.6f}",
        )
        for each in report.calls
    ]
    columns = ("AT", "MODEL", "AGENT", "TASK", "INCIDENT", "SERVICE", "USER", "OUTCOME", "PROMPT", "ANSWER", "USD")
    table(columns, rows, empty=NONE)
