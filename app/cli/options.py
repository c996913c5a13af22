"""Options that commands share, and the settings that follow from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.errors import UsageError

if TYPE_CHECKING:
    from app.settings import Settings

SHARED_HELP = (
    "Every command takes --config FILE (instead of ./quell.yaml) and --debug (details of internal errors). "
    "Exit codes: 0 done, 1 failed, 2 usage, 3 needs a human."
)

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object; docs/reference/json has its schema.")]
ServerOption = Annotated[str, typer.Option("--server", metavar="URL", help="Ask that Quell server, not the store.")]
LimitOption = Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")]

_CONFIG: ContextVar[Path | None] = ContextVar("config", default=None)
_DEBUG: ContextVar[bool] = ContextVar("debug", default=False)


def take_shared_options(arguments: Sequence[str]) -> list[str]:
    """Note ``--config`` and ``--debug``, wherever before a ``--`` they stand, and return the other arguments.

    Raises:
        UsageError: ``--config`` has no value.
    """
    config: Path | None = None
    debug = False
    rest: list[str] = []
    waiting = iter(arguments)
    for each in waiting:
        if each == "--":
            rest += [each, *waiting]
        elif each == "--debug":
            debug = True
        elif each == "--config" or each.startswith("--config="):
            value = each.partition("=")[2] if "=" in each else next(waiting, "")
            if not value:
                raise UsageError("--config needs a file", fix="such as --config quell.yaml")
            config = Path(value)
        else:
            rest.append(each)
    _CONFIG.set(config)
    _DEBUG.set(debug)
    return rest


def moment(text: str) -> datetime | None:
    """A time as users write it; None for an empty one.

    Raises:
        UsageError: it is no time, or has no zone.
    """
    if not text:
        return None
    wrong = UsageError(f"{text!r} is no time with a zone", fix="such as 2026-03-03T12:00:00Z")
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise wrong from error
    if at.tzinfo is None:
        raise wrong
    return at


def chosen_file() -> Path | None:
    """What ``--config`` said."""
    return _CONFIG.get()


def debug_wanted() -> bool:
    """Whether ``--debug`` or ``QUELL_DEBUG`` asks for details."""
    from app.settings import debug_requested

    return _DEBUG.get() or debug_requested()


def load_settings(overrides: Mapping[str, Any] | None = None) -> Settings:
    """The settings of this command line: what every command starts with.

    Args:
        overrides: flags, nested like quell.yaml.

    Raises:
        ConfigError: as `Settings.load`.
    """
    from app.settings import Settings

    return Settings.load(chosen_file(), overrides)
