"""Keeps secrets out of logs, errors, listings and prompts: by the name of a key, and by the shape of a text.

What is hidden: passwords, keys, tokens, cookies, private keys, credentials in URLs. What is not: e-mails and addresses,
which an incident may be about (`agents.redaction` hides those from models, and puts them back).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.redaction.addresses import in_urls
from core.redaction.assignments import assigned
from core.redaction.density import dense_words
from core.redaction.encoded import in_base64
from core.redaction.keys import is_secret_key
from core.redaction.kinds import HIDDEN, STANDS_FOR, Found, SecretKind
from core.redaction.pairs import paired
from core.redaction.reading import read
from core.redaction.shapes import by_shape

__all__ = ["HIDDEN", "STANDS_FOR", "Found", "SecretKind", "find", "is_secret_key", "redact", "redact_text"]

MIN_CHARACTERS = 6
"""Of the shortest text that can hold a secret with what gives it away."""


def find(text: str) -> tuple[Found, ...]:
    """Everything in the text that looks like a secret, in order, never overlapping, unless it is hidden already."""
    if len(text) < MIN_CHARACTERS:
        return ()
    found = [*_written(text), *in_base64(text, lambda said: bool(_written(said)))]
    if reading := read(text):
        again = [*_written(reading.text), *in_base64(reading.text, lambda said: bool(_written(said)))]
        found += [Found(one.kind, *reading.written(one.start, one.end)) for one in again if one.start < one.end]
    merged: list[Found] = []
    for one in sorted((each for each in found if each.start < each.end), key=lambda each: (each.start, -each.end)):
        if STANDS_FOR.fullmatch(text, one.start, one.end):
            continue
        if merged and one.start < merged[-1].end:
            last = merged[-1]
            merged[-1] = Found(last.kind, last.start, max(last.end, one.end))
        else:
            merged.append(one)
    return tuple(merged)


def _written(text: str) -> list[Found]:
    """Secrets of the text as it stands, in no order; some of them overlap."""
    return [*by_shape(text), *in_urls(text), *assigned(text), *paired(text), *dense_words(text)]


def redact_text(text: str) -> str:
    """The text with everything that looks like a secret hidden."""
    found = find(text)
    if not found:
        return text
    parts: list[str] = []
    position = 0
    for one in found:
        parts += (text[position : one.start], HIDDEN)
        position = one.end
    return "".join((*parts, text[position:]))


def redact(value: Any, key: str = "") -> Any:
    """A copy of nested plain data with secrets hidden; what is neither text nor a container comes back as it is."""
    if isinstance(value, str):
        return HIDDEN if value and is_secret_key(key) else redact_text(value)
    if isinstance(value, Mapping):
        field = next((str(value[one]) for one in ("name", "key") if isinstance(value.get(one), str)), "")
        return {name: redact(inner, field if name == "value" else str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact(inner, key) for inner in value]
    return value
