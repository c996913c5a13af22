"""Text as a person reads it: without colours and characters that do not show, with escapes and entities resolved.

What was written with them would hide a secret from patterns and from nobody else: consoles paint half a word (ECMA-48,
section 5.4), JSON and JavaScript write ``\\u0022`` (RFC 8259, section 7), HTML ``&quot;``, forms ``%3D`` (RFC 3986).
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

MAX_PASSES = 3
"""What is escaped more often than that was not escaped by one program after another."""

_HINT = re.compile("[\x1b\\\\%&\u00a0-\uffff]|#033")
_WRITTEN = re.compile(
    r"""(?x)
    (?P<nothing> (?:\x1b|\\x1b|\\u001b|\\033|\\e|\#033)
        (?:\[[0-?]{0,24}[ -/]{0,4}[@-~] | \][^\x07\x1b\\]{0,200}(?:\x07|\x1b\\))
      | [\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff] )
    | \\u00(?P<unicode>[2-7][0-9a-fA-F]) | \\x(?P<byte>[2-7][0-9a-fA-F]) | %(?P<percent>[2-7][0-9a-fA-F])
    | (?P<entity>&(?:quot|apos|amp|lt|gt|nbsp|equals|colon|commat|\#\d{2,3}|\#[xX][0-9a-fA-F]{2});)
    | (?P<wide>[\uff01-\uff5e]) | (?P<blank>[\u00a0\u2000-\u200a\u202f\u205f\u3000])
    | (?<!\\)\\{1,16}+(?P<slash>[/"'])
    """
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as it is read, and where each of its characters was written.

    Attributes:
        starts, ends: of the text that was read, for each character; empty where nothing was written otherwise.
    """

    text: str
    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()

    def written(self, start: int, end: int) -> tuple[int, int]:
        """Where ``text[start:end]``, which is not empty, was written."""
        return (self.starts[start], self.ends[end - 1]) if self.starts else (start, end)


def read(text: str) -> Reading | None:
    """The text as it is read; None when it is written as it is read."""
    reading = Reading(text)
    for _ in range(MAX_PASSES):
        if not (_HINT.search(reading.text) and _WRITTEN.search(reading.text)):
            break
        reading = _resolved(reading)
    return reading if reading.starts else None


def _resolved(reading: Reading) -> Reading:
    """One layer less."""
    text, position = reading.text, 0
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []

    def copy(start: int, end: int) -> None:
        parts.append(text[start:end])
        starts.extend(reading.starts[start:end] or range(start, end))
        ends.extend(reading.ends[start:end] or range(start + 1, end + 1))

    for found in _WRITTEN.finditer(text):
        copy(position, found.start())
        position = found.end()
        if said := _character(found):
            start, end = reading.written(*found.span())
            parts.append(said)
            starts.append(start)
            ends.append(end)
    copy(position, len(text))
    return Reading("".join(parts), tuple(starts), tuple(ends))


def _character(found: re.Match[str]) -> str:
    """What an escape stands for; empty for what does not show."""
    said = found[found.lastgroup or 0]
    match found.lastgroup:
        case "unicode" | "byte" | "percent":
            return chr(int(said, 16))
        case "entity":
            return " " if said == "&nbsp;" else html.unescape(said)[:1]
        case "wide":
            return chr(ord(said) - 0xFEE0)
        case "blank":
            return " "
        case "slash":
            return said
        case _:
            return ""
