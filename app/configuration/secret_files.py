"""Secrets that the configuration keeps in files of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from app.configuration.layers import KeyPath, dotted
from app.configuration.problems import Problem, SettingsType

FILE_REFERENCE = "file:"


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
            file = locate(value.get_secret_value().removeprefix(FILE_REFERENCE))
            try:
                return SecretStr(file.read_text("utf-8").strip())
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "not text"
                fix = "create the file or correct the path; it must be readable by this user"
                unreadable.append(Problem(path=dotted(path), what=f"secret file {file}: {reason}", fix=fix))
        elif isinstance(value, tuple):
            return tuple(resolved(inner, (*path, index)) for index, inner in enumerate(value))
        elif isinstance(value, BaseModel):
            changed = {name: resolved(inner, (*path, name)) for name, inner in value}
            return value.model_copy(update={k: v for k, v in changed.items() if v is not getattr(value, k)})
        return value

    return resolved(settings, ()), tuple(unreadable)
