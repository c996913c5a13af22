"""The bearer token of the API: made once, readable by its owner only, never logged."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.settings import Settings
from core.errors import ConfigError

TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Token:
    """The token, and whether it was made just now: only then is it shown."""

    value: str
    is_new: bool = False


def ensure_token(settings: Settings) -> Token:
    """The configured token, the one kept in the data folder, or a new one that is kept there from now on.

    Raises:
        ConfigError: the file can be neither read nor written.
    """
    known = read_token(settings)
    if known:
        return Token(known)
    value = secrets.token_urlsafe(TOKEN_BYTES)
    path = settings.token_path
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(value + "\n")
    except OSError as error:
        with suppress(OSError):  # half a token would be taken for one
            path.unlink(missing_ok=True)
        message = f"the token file {path} cannot be written: {error.strerror}"
        raise ConfigError(message, fix="make room, correct the rights of its folder, or set data_dir") from None
    return Token(value, is_new=True)


def read_token(settings: Settings) -> str:
    """The configured token or the one kept in the data folder; empty when there is none yet.

    Raises:
        ConfigError: the file cannot be read.
    """
    if settings.server.token is not None:
        return settings.server.token.get_secret_value()
    try:
        return settings.token_path.read_text("ascii").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(settings.token_path, error) from None


def _unusable(path: Path, error: Exception) -> ConfigError:
    reason = getattr(error, "strerror", None) or "not text"
    return ConfigError(f"the token file {path} cannot be used: {reason}", fix="correct its rights, or remove it")
