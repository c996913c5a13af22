"""Texts of bounded length."""

from __future__ import annotations

MAX_TEXT_CHARACTERS = 240


def cut(text: str) -> str:
    """A text of bounded length, with an ellipsis where it was cut."""
    return text if len(text) <= MAX_TEXT_CHARACTERS else text[: MAX_TEXT_CHARACTERS - 1] + "…"
