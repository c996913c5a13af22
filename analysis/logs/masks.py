"""What varies in a log line is masked: numbers, ids, addresses, paths, dates, sizes, values of `key=value`, names.

A line passes in three steps, each rarer than the one before it:

1. `fold`: every digit becomes 0. All masks treat digits alike, so lines that differ in digits only are one shape and
   mask the same; callers remember what became of a shape. `short` does the same for long hexadecimal ids.
2. `Masker.words`: the words between white space are masked one by one and remembered, as most words come again.
3. `Masker.phrases`: what spans several words (dates, "12 bytes (1 KB)", lists, "user NAME") is one wildcard.

The wildcard is `<*>`, as in Drain (He et al., ICWS 2017, https://doi.org/10.1109/ICWS.2017.13) and in logpai's data.
Repetition is possessive wherever two parts could share a character, and lines and words are cut to a bounded length
first, so that no line can make a pattern slow.
"""

from __future__ import annotations

import re
from enum import StrEnum

WILDCARD = "<*>"
MAX_CHARACTERS = 2000
MAX_WORD_CHARACTERS = 200
MAX_REMEMBERED_WORDS = 20_000
CUT = "…"

_LONG_IDS = re.compile(rb"0[0a-fA-F-]{13,128}+")
_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)


class Mask(StrEnum):
    """The masks by name; the first nine are tried in this order on each word, the others on the whole message."""

    URL = "url"
    VALUE = "value"
    PATH = "path"
    PACKAGE = "package"
    HOST = "host"
    PROCESS = "process"
    GROUPS = "groups"
    STEM = "stem"
    IDENTIFIER = "identifier"
    LIST = "list"
    DATE = "date"
    QUANTITY = "quantity"
    NAME = "name"
    BETWEEN = "between"


_WORD_PATTERNS = {
    Mask.URL: r"""\b[A-Za-z][A-Za-z0+.]{1,15}+://[^\s,;'"<>)\]]++""",
    Mask.VALUE: r"""(?<=[\w\])])=(?!=)[^\s,;()\[\]{}"=]*+""",
    Mask.PATH: r"""(?<![\w<>/.)])(?:[A-Za-z]:|\.{1,2}|~)?/[^\s,;:()\[\]{}"'=?<>]++(?:\?[^\s"']*+)?""",
    Mask.PACKAGE: r"""(?<![\w.])(?:com|org|net|io|edu|gov)(?:\.[\w$-]++){2,}+""",
    Mask.HOST: r"""(?<![\w.])(?:[\w-]++\.)++(?:[A-Za-z][\w-]*+:0++|(?:[a-z]{2}|com|org|net|edu|gov)(?![\w.(/-]))""",
    Mask.PROCESS: r"""(?<![\w.])[A-Za-z][\w.]*+\(0++\)""",
    Mask.GROUPS: r"""(?<!\w)[0a-fA-F]{0,4}(?::{1,2}[0a-fA-F]{1,4}){2,}+(?![\w:])""",
    Mask.STEM: r"""(?<![\w.:@+*/-])[A-Za-z]++0(?![\w.@+*/-])""",
    Mask.IDENTIFIER: r"""(?<!\w)[-+\#]?(?=\w[\w.@+*-]*?(?<=0))\w++(?:[.@+*-]{1,2}+\w++)*+"""
    r"""(?:(?<=0)[:,]0[\w.]*+)*+[%\#]?""",
}
"""In words whose digits are folded to 0.

`value` is what follows the = of a key, even nothing. `package` is a name in reverse domain order. `process` is a name
with a number in parentheses. `groups` are hexadecimal groups between colons: MAC and IPv6 addresses, times of day.
`stem` keeps the letters of a word that ends in one digit (eth0, sda1, ipv6), as it often names a kind and not an
instance. `identifier` is any other run of word characters, dots and dashes that holds a digit.
"""

_LIST = re.compile(r"<\*>(?:(?:, ?|:| |;|\|)<\*>)++")
_DATE = re.compile(
    r"\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?"
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) <\*>(?: [A-Z]{3,4} <\*>)?"
)
_QUANTITY = re.compile(
    r"<?<\*> ?(?:(?:[kKMGT]i?)?(?:B|[Bb]ytes?)\b(?: \(<\*> ?[KMGT]i?B\))?|(?:ns|us|ms|s|secs?|seconds?)\b)"
)
_NAME = re.compile(
    r"\b((?:[Uu]ser|username|account|domain|program|device|hostname) )"
    r"(?!unknown\b|is\b|was\b|has\b|not\b)(?:[\w.@-]++(?:<\*>)?)(?![\w=:])"
)
_BETWEEN = re.compile(r"\b((?:for|from|by) )(?!the |a |an )[a-z][\w.@-]*+ (?=(?:from|by|at|on) <\*>)")


def fold(text: str) -> bytes:
    """The shape of a text, in UTF-8: every ASCII digit is 0. Bytes, as they translate far faster than text does."""
    return text.encode("utf-8", "surrogatepass").translate(_ZEROS)


def short(shape: bytes) -> bytes:
    """A shape with its UUIDs and long hexadecimal ids cut to two digits from their first digit on.

    They begin with a digit here because a pattern that begins with one byte is searched for several times faster.
    """
    return _LONG_IDS.sub(b"00", shape)


def unfolded(shape: bytes) -> str:
    """The folded text of a shape."""
    return shape.decode("utf-8", "surrogatepass")


class Masker:
    """Masks words and messages, and remembers a bounded number of words.

    Args:
        masks: those that are used; the benchmark leaves some out to see what each is worth.
    """

    def __init__(self, masks: frozenset[Mask] = frozenset(Mask)) -> None:
        self._masks = masks
        chosen = [f"(?P<{name}>{pattern})" for name, pattern in _WORD_PATTERNS.items() if name in masks]
        self._pattern = re.compile("|".join(chosen) or "(?!)")
        self._known = _Words(self._pattern)

    def words(self, folded: str) -> str:
        """A folded message with its words masked and white space folded."""
        known = self._known
        if len(known) > MAX_REMEMBERED_WORDS:
            known.clear()
        return " ".join([known[word] for word in folded.split()])

    def phrases(self, text: str) -> str:
        """A message whose words are masked, with what spans several words masked too."""
        masks = self._masks
        text = text.replace(" ()", f" ({WILDCARD})")
        if Mask.LIST in masks:
            text = _LIST.sub(WILDCARD, text)
        if Mask.DATE in masks:
            text = _DATE.sub(WILDCARD, text)
        if Mask.QUANTITY in masks:
            text = _QUANTITY.sub(WILDCARD, text)
        if Mask.NAME in masks:
            text = _NAME.sub(rf"\1{WILDCARD}", text)
        if Mask.BETWEEN in masks:
            text = _BETWEEN.sub(rf"\1{WILDCARD} ", text)
        return _LIST.sub(WILDCARD, text) if Mask.LIST in masks else text

    def mask(self, text: str) -> str:
        """All steps at once."""
        return self.phrases(self.words(unfolded(short(fold(text[:MAX_CHARACTERS])))))


class _Words(dict[str, str]):
    """Masked words by word; a word that is asked for the first time is masked then."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        super().__init__()
        self._pattern = pattern

    def __missing__(self, word: str) -> str:
        short = word if len(word) <= MAX_WORD_CHARACTERS else word[:MAX_WORD_CHARACTERS] + CUT
        masked = short if short.isalpha() else self._pattern.sub(_replaced, short)
        self[word if len(word) <= MAX_WORD_CHARACTERS else short] = masked
        return masked


def _replaced(match: re.Match[str]) -> str:
    """The wildcard, beside what is kept of a value's `=` and a stem's letters."""
    if match.lastgroup == Mask.VALUE:
        return f"={WILDCARD}"
    if match.lastgroup == Mask.STEM:
        return match.group()[:-1] + WILDCARD
    return WILDCARD
