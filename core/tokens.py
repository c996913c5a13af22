"""How much of a model's context a text takes, without any model's vocabulary: an upper estimate."""

from __future__ import annotations

from math import ceil

ASCII_CHARACTERS_PER_TOKEN = 3  # below the 4 that is usual for prose: JSON keys and numbers cost more


def tokens(text: str) -> int:
    """An upper estimate: a third of the ASCII characters, and every byte of all others one."""
    plain = sum(character.isascii() for character in text)
    return ceil(plain / ASCII_CHARACTERS_PER_TOKEN) + len(text.encode()) - plain
