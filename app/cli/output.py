"""How results are printed: one JSON object, or text whose every character is printable.

Much of what is shown was written by strangers (alert names, labels, log lines): characters that a terminal would
obey are replaced, and nothing is read as markup.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from core.models import Model, Suppression

ModelT = TypeVar("ModelT", bound=Model)
PIPE_WIDTH = 200
"""Columns of a table that no terminal shows."""


def emit(result: ModelT, as_json: bool, render: Callable[[ModelT], None]) -> None:
    """Print a result as JSON, or with its own renderer for people."""
    if as_json:
        print(result.model_dump_json(indent=2))
    else:
        render(result)


def plain(text: object) -> str:
    """Text that a terminal only shows: every control character becomes a visible one."""
    return "".join(
        char if char.isprintable() else " " if char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in str(text)
    )


def line(*parts: object) -> None:
    """Print parts as one line."""
    print(" ".join(plain(part) for part in parts))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print rows in columns, or one line when there are none."""
    from rich.console import Console
    from rich.table import Table

    grid = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        grid.add_row(*(plain("" if cell is None else cell) for cell in row))
    if not grid.row_count:
        print(empty)
        return
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    Console(width=width, markup=False, highlight=False, emoji=False, soft_wrap=False).print(grid)


def pairs(values: Iterable[tuple[str, object]]) -> None:
    """Print names and values, one a line, leaving empty values out."""
    shown = [(name, value) for name, value in values if value not in (None, "", ())]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        print(f"{name:<{width}}  {plain(value)}")


def suppressions(found: Sequence[Suppression]) -> None:
    """Print alerts that started no incident, each with the reason; nothing without any."""
    if found:
        print("\nkept quiet")
        rows = [(each.name, each.severity, each.service, when(each.last_at), each.count, each.reason) for each in found]
        table(("ALERT", "SEVERITY", "SERVICE", "LAST", "TIMES", "REASON"), rows, empty="")


def when(at: datetime | None) -> str:
    """A time to the second, in UTC."""
    return at.strftime("%Y-%m-%d %H:%M:%SZ") if at else ""
