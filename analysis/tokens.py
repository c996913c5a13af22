"""How much of a model's context a text takes, without any model's vocabulary: an upper estimate."""

from __future__ import annotations

from math import ceil

ASCII_CHARACTERS_PER_TOKEN = 3  # below the 4 that is usual for prose: JSON keys and numbers cost more
MAX_TEXT_CHARACTERS = 240


def tokens(text: str) -> int:
    """An upper estimate: a third of the ASCII characters, and every byte of all others one."""
    plain = sum(character.isascii() for character in text)
    return ceil(plain / ASCII_CHARACTERS_PER_TOKEN) + len(text.encode()) - plain


def cut(text: str) -> str:
    """A text of bounded length, with an ellipsis where it was cut."""
    return text if len(text) <= MAX_TEXT_CHARACTERS else text[: MAX_TEXT_CHARACTERS - 1] + "…"
