"""Secrets that the configuration keeps in files of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from app.configuration.layers import KeyPath, dotted
from app.configuration.problems import Problem, SettingsType

FILE_REFERENCE = "file:"


def read_secret(value: str, locate: Callable[[str], Path]) -> str:
    """The value itself, or the content of the file that ``file:/path`` means.

    Raises:
        OSError, UnicodeDecodeError: the file cannot be read.
    """
    if not value.startswith(FILE_REFERENCE):
        return value
    return locate(value.removeprefix(FILE_REFERENCE)).read_text("utf-8").strip()


def resolve_references(
    settings: SettingsType, locate: Callable[[str], Path]
) -> tuple[SettingsType, tuple[Problem, ...]]:
    """Put the content of the file in the place of every secret that reads ``file:/path``.

    Args:
        locate: makes a path absolute.

    Returns:
        The settings, and one problem for each file that cannot be read.
    """
    unreadable: list[Problem] = []

    def resolved(value: Any, path: KeyPath) -> Any:
        if isinstance(value, SecretStr) and value.get_secret_value().startswith(FILE_REFERENCE):
            try:
                return SecretStr(read_secret(value.get_secret_value(), locate))
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "not text"
                fix = "create the file or correct the path; it must be readable by this user"
                file = locate(value.get_secret_value().removeprefix(FILE_REFERENCE))
                unreadable.append(Problem(path=dotted(path), what=f"secret file {file}: {reason}", fix=fix))
        elif isinstance(value, tuple):
            return tuple(resolved(inner, (*path, index)) for index, inner in enumerate(value))
        elif isinstance(value, BaseModel):
            changed = {name: resolved(inner, (*path, name)) for name, inner in value}
            return value.model_copy(update={k: v for k, v in changed.items() if v is not getattr(value, k)})
        return value

    return resolved(settings, ()), tuple(unreadable)
