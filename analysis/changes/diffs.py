"""A diff read as text: hunks with the lines that went and came, without comments and without what only logs.

Unified diffs (https://www.gnu.org/software/diffutils/manual/html_node/Detailed-Unified.html) and shortened ones, whose
only structure is the first character of a line, are both read; text that is no diff has no hunks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MAX_LINES = 2000
"""Lines of a diff that are read: larger ones are judged by their beginning."""
MAX_LINE_CHARACTERS = 400
"""Of a line: longer ones are generated or minified."""

_COMMENT = re.compile(r"^\s*(?://|#(?!include)|--\s|/\*|\*/|\*\s|<!--|;|'''|\"\"\"|import\s|from\s+\S+\s+import\s)")
_TRAILING_COMMENT = re.compile(r"\s(?://|#)\s.*$")
_LOGGING = re.compile(
    r"^\s*(?:\w+\s*[:=]+\s*)?(?:\w+\.)*(?:log|logger|logging|console|fmt\.print\w*|LOG_\w+|print\w*|slog|tracing)"
    r"(?:\.\w+)*!?\s*(?:\(|<<)",
    re.IGNORECASE,
)
_HEADER = re.compile(r"^(?:diff |index |--- |\+\+\+ |new file|deleted file|rename |similarity |Binary )")
_FILE = re.compile(r"^(?:\+\+\+ (?:b/)?|diff --git a/\S+ b/|@@ (?=[\w./-]+\.\w+(?:[\s:@]|$)))(?P<path>[\w./-]+)")


@dataclass(frozen=True, slots=True)
class Hunk:
    """One place of a change.

    Attributes:
        path: the file, empty when the diff does not say.
        around: the words beside the hunk's marker, usually the enclosing function.
        removed, added: lines of code that went and came, stripped; comments, imports and empty lines left out.
        logged: the lines among them that only log, which went and came.
    """

    path: str
    around: str
    removed: tuple[str, ...]
    added: tuple[str, ...]
    logged: tuple[str, ...] = ()


def read_diff(text: str) -> tuple[Hunk, ...]:
    """The hunks of a diff that change anything, in order."""
    found: list[Hunk] = []
    path, around = "", ""
    removed: list[str] = []
    added: list[str] = []

    def close() -> None:
        if removed or added:
            found.append(_hunk(path, around, removed, added))
        removed.clear()
        added.clear()

    for line in (whole[:MAX_LINE_CHARACTERS] for whole in text.splitlines()[:MAX_LINES]):
        if _HEADER.match(line) or line.startswith("@@"):
            close()
            named = _FILE.match(line)
            path = named["path"] if named else path
            around = line.strip("@ ") if line.startswith("@@") else ""
        elif line.startswith("-"):
            removed.append(line[1:].strip())
        elif line.startswith("+"):
            added.append(line[1:].strip())
    close()
    return tuple(found)


def _hunk(path: str, around: str, removed: Iterable[str], added: Iterable[str]) -> Hunk:
    went, came = _code(removed), _code(added)
    logged = tuple(line for line in (*went, *came) if _LOGGING.match(line))
    return Hunk(
        path=path,
        around=around,
        removed=tuple(line for line in went if line not in logged),
        added=tuple(line for line in came if line not in logged),
        logged=logged,
    )


def _code(lines: Iterable[str]) -> list[str]:
    """Lines without comments, imports and white space."""
    return [_TRAILING_COMMENT.sub("", line) for line in lines if line and not _COMMENT.match(line)]
