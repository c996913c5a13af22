"""Tells what was drawn at random from what somebody named.

Random text over letters of both cases and digits changes its class of character at two of three places; names change
it once or twice a word. Hexadecimal is left alone: commits, images, traces and spans are written in it, and no rule
tells them from a key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from core.redaction.kinds import Found, SecretKind

MIN_CHANGES = 0.4
"""Share of neighbours of different class; random text has 0.65 on average, at 32 characters hardly ever below 0.4."""
MIN_NAMED = 20
"""Characters of a value that has a name."""
MIN_BARE = 32
"""Characters of a word that has none."""

_RUN = re.compile(rf"(?<![A-Za-z0-9+/_-])(?<!SHA256:)(?:[A-Za-z0-9+/_-]|%2[BbFf]){{{MIN_BARE},}}+(?:=|%3[Dd]){{0,2}}")
_HEXADECIMAL = re.compile(r"[0-9a-fA-F-]+")
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
_OF_A_SECRET = re.compile(r"[\w+/=.~%-]+")


def is_dense(text: str) -> bool:
    """Whether it looks drawn at random: upper case, lower case and digits, well mixed, and not hexadecimal."""
    if not _OF_A_SECRET.fullmatch(text) or _HEXADECIMAL.fullmatch(text):
        return False
    text = _ENCODED.sub("", text)
    classes = [_class(one) for one in text if one.isascii() and one.isalnum()]
    if len(set(classes)) < 3:
        return False
    changes = sum(one != other for one, other in pairwise(classes))
    return changes >= MIN_CHANGES * (len(classes) - 1)


def dense_words(text: str) -> Iterator[Found]:
    """Long words that look drawn at random, whatever stands around them; in paths, each segment by itself."""
    for run in _RUN.finditer(text):
        if is_dense(run[0]):
            yield Found(SecretKind.SECRET, *run.span())
            continue
        start = run.start()
        for segment in run[0].split("/"):
            if len(segment) >= MIN_BARE and is_dense(segment):
                yield Found(SecretKind.SECRET, start, start + len(segment))
            start += len(segment) + 1


def _class(character: str) -> int:
    return 0 if character.isdigit() else 1 if character.isupper() else 2
