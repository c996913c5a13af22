"""Words of code, of log templates and of metric names, so that a diff and a symptom can be compared.

Identifiers are split at underscores, dashes, dots and changes of case, as in "Splitting identifiers" of Caprile and
Tonella, "Nomen est omen: analyzing the language of function identifiers" (WCRE 1999).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z][A-Za-z0-9_]*)*")
_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
_MIN_LENGTH = 3


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


_EVERYWHERE = _listed(
    """
    add all and any args arg auto await async bool boolean break byte case catch char class code const context
    continue count ctx data def default defer desc del dict each elif else end err error errors except exc exec exported
    extends fail failed failure false field file final finally float for foreach from func function get got handle
    handler has have http https impl import info init input int interface internal into item items job key keyword
    kind lambda len length let line list log logger main make map max message method min module msg mut name new
    nil none not null num number obj object old one org out output own package param params path ptr print private pub
    public ready req request res resp response result ret return returned returning row run self server service services
    set should size start started static status str string struct super svc switch tag temp test that the then this
    throw time to total true try tuple type types undefined unknown use used user using util val value values var vec
    version void was when where while will with write yield after before during without than its off per
    found exist missing does com github golang org example
    """
)
"""Words that say nothing about what a piece of code is for, in any of the usual languages, or in any message."""

CONCEPTS: tuple[frozenset[str], ...] = tuple(
    _listed(group)
    for group in (
        "timeout deadline latency slow duration expire elapse stall wait millisecond",
        "memory heap oom leak cache buffer allocation garbage",
        "disk volume storage space inode verbosity debug trace retention rotate rotation logging",
        "pool connection conn connect exhaust saturate socket",
        "query select sql database table relation column schema migration index statement scan row mapping analyzer",
        "retry backoff attempt redeliver",
        "panic dereference pointer nullpointer segfault nilpointer optional",
        "throttle capacity throughput quota limit provision batch unbounded page",
        "register registry registration bootstrap lookup",
        "cpu spin busy loop",
        "certificate cert tls ssl handshake",
        "parse decode deserialize serialize unmarshal marshal encode json schema",
        "permission forbidden unauthorized denied auth token credential role",
        "dns resolve hostname",
        "lock deadlock mutex contention transaction",
    )
)
"""Groups of words that tell of one mechanism: a diff may say `WithTimeout` where the log says `deadline exceeded`."""


def identifiers(text: str) -> frozenset[str]:
    """Whole identifiers made of several words, in lower case: `dashboard_favorites`, `PutItem`, `memory-store`."""
    return frozenset(
        found.lower() for found in _IDENTIFIER.findall(text) if len(_PARTS.findall(found)) > 1 and words(found)
    )


def words(text: str) -> frozenset[str]:
    """What the text is about: its words in lower case and singular, without those that are in every text."""
    found = (part.lower() for name in _IDENTIFIER.findall(text) for part in _PARTS.findall(name))
    return (
        frozenset(stem for word in found if word not in _EVERYWHERE and len(stem := singular(word)) >= _MIN_LENGTH)
        - _EVERYWHERE
    )


def concepts(found: Iterable[str]) -> frozenset[int]:
    """Which mechanisms the words tell of."""
    known = frozenset(found)
    return frozenset(number for number, group in enumerate(CONCEPTS) if group & known)


def singular(word: str) -> str:
    """The word without its plural or third-person s."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3 else word


def without_names(text: str, names: Iterable[str]) -> str:
    """The text without the names of services: whoever is named so is no clue to what went wrong."""
    listed = sorted(filter(None, names), key=lambda name: (-len(name), name))
    if not listed:
        return text
    return re.sub(r"(?<![\w-])(?:" + "|".join(map(re.escape, listed)) + r")(?![\w-])", " ", text)
