"""Secrets that are told by the name before them: ``DB_PASSWORD=``, ``"apiKey":``, ``--token``, ``Cookie:``.

A name is looked for once at the start of each word and its value is read from where it ends, so the work grows with
the length of the text and not with its square.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.redaction.density import MIN_NAMED, is_dense
from core.redaction.keys import is_secret_key, is_suspect_key, names_something
from core.redaction.kinds import STANDS_FOR, Found, SecretKind
from core.redaction.shapes import is_wording

_MAX_LINE = 8192
"""Characters that a quoted value is followed for: a line of many values is not read to its end for each."""

_COLOUR = r"(?:\x1b\[[0-9;]{0,12}m){0,3}+"  # consoles paint names and values
_NAMED = re.compile(
    rf"""(?x)
    (?<![\w.\-]) (?P<key>[\w.\-]++) (?:\[\d{{0,6}}\])? (?P<close>\\{{0,8}}["'`] | %22)? \]?
    {_COLOUR} (?P<sep> [ \t]{{0,4}}(?:=>|:=|==?|:(?!:)|::(?=[ \t])|%3[AaDd]|->|→|\|(?=[ \t]))[ \t]{{0,64}}
      | (?<=["']),[ \t]?(?=b?["']) | > | \((?=["'])
      | [ \t]{{1,4}}(?:is|was)[ \t]{{1,4}}
    | [ \t]{{1,4}}(?=[^\s\-=:,]) )
    {_COLOUR} (?:(?!os|env|get|process|system)[A-Za-z]\w{{0,20}}\((?=["'])|[burN](?=["'])|!{{1,2}}\w{{1,12}}[ \t]
      |[|>][+-]?[ \t]{{1,8}})?
    """
)
_OPEN = re.compile(r"(?P<slashes>\\{0,8})(?P<quote>[\"'`])|%22")
_SCHEME = re.compile(
    r"(?i)(?:bearer|basic|token|apikey|api-key|bot|negotiate|geniekey|splunk|key)(?:[ \t]{1,4}|%20)(?=[^\s,;]{6})"
)
_MANY_PARTS = re.compile(r"(?i)(?:digest|aws4-hmac-sha256|oauth)[ \t]")
_PLAIN = re.compile(
    r"(?:[^\s&\"'`<>,;)\]}\\]|[\"'`<>](?=\w)|[&,;)\]}](?!\s|$|\\?[\"']|[\w.\-]{1,64}[ \t]?[=:])|\\(?![nrt\"']))++"
)
_ENCODED = re.compile(r"(?:[^\s&\"'<>%]|%(?!26|22|0[AaDd]|3[Bb]))++")
_RANDOM = re.compile(r"(?!//)(?:[\w+/.~-]|%2[BbFf]){20,4096}+={0,2}")
_LIST = re.compile(r"\[[^\]{}]{0,2000}+\]?")
_NOTHING = re.compile(
    r"(?i)(?:null|none|nil|undefined|true|false|yes|no|empty|required|unset|n/a|\*+|-|\.+|\$\{[\w.:-]{1,80}\}?|\{\{.{0,80}|os\.environ.{0,200}"
    r"|os\.getenv.{0,200}|process\.env\..{0,200}|system\.getenv.{0,200})"
)
_BRACKETED = re.compile(r"\{(?!\{)[^\s{}]{4,200}(?:\}|(?=\s|$))|\([^\s()]{4,200}(?=\s|$)|<[^\s<>*]{4,200}(?=\s|$)")
"""ODBC lets a password stand in braces; others begin with a bracket that nothing closes."""

_TRIPLED = re.compile(r"\"{3}|'{3}")
_HEXADECIMAL_KEY = re.compile(r"[0-9a-f]{32,}")
_ALONE = re.compile(r"[A-Za-z0-9+/=_]{20,4096}")
_SECOND = frozenset({"key", "token", "phrase", "id", "code"})
_FIRST = re.compile(r"(?i)(?<![a-z])(api|access|account|secret|private|pass|signing|encryption)[ ]\Z")
"""Names of two words: ``API key``, ``Secret ID``."""

_PASSWORD = re.compile(r"(?i)(?:password|passwd|pwd|passphrase|pass|passcode|pw|requirepass|masterauth)s?$")
_BARE = frozenset(
    {"token", "tokens", "secret", "secrets", "credential", "credentials", "cookie", "cookies", "authorization"}
)


def assigned(text: str) -> Iterator[Found]:
    """Values of names that hold secrets, and of other names where the value looks drawn at random."""
    position = 0
    while named := _NAMED.search(text, position):
        position = named.end()
        key, sep = _key(text, named), named["sep"].strip()
        word = sep.lower() in ("", "is", "was")
        if word and not is_secret_key(key):
            position = named.end("key")
            continue
        value = _value(text, named, key)
        if value is None:
            continue
        start, end, quoted = value
        if start < end and _hides(key, text[start:end], sep, quoted, named, text[end : end + 3]):
            yield Found(_kind(key), start, end)
            position = end
        elif word:
            position = named.end("key")


def _key(text: str, named: re.Match[str]) -> str:
    """The name without the rest of an escape, of a percent-encoding or of a colour before it."""
    key, start = named["key"], named.start()
    before = text[max(0, start - 8) : start]
    if before.endswith("\\") and key[0] in "nrt":
        key = key[1:]
    elif before.endswith("%"):
        key = key[2:]
    elif "\x1b" in before:
        key = re.sub(r"^[0-9]{1,3}m", "", key)
    if key.lower() in _SECOND and (first := _FIRST.search(text, max(0, start - 12), start)):
        return f"{first[1]}_{key}"
    return key


def _value(text: str, named: re.Match[str], key: str) -> tuple[int, int, bool] | None:
    """Where the value starts and ends and whether it is quoted; None where no value stands."""
    start = named.end()
    if opened := _OPEN.match(text, start):
        return opened.end(), _closing(text, opened, whole=is_secret_key(key)), True
    if text.startswith(("{", "(", "<"), start):
        odd = _BRACKETED.match(text, start) if named["sep"] == "=" and _PASSWORD.search(key) else None
        return (start, odd.end(), False) if odd else None
    if listed := _LIST.match(text, start):
        return (start, start, False) if STANDS_FOR.match(text, start) else (start + 1, listed.end() - 1, True)
    lowered = key.lower()
    if _MANY_PARTS.match(text, start):
        return start, _line_end(text, start, quotes=False), True
    if lowered.endswith("cookie") and ":" in named["sep"]:
        return start, _line_end(text, start), True
    if named["sep"] == ">":
        close = text.find("<", start, start + 2000)
        return (start, close, True) if close > start and text.startswith("</", close) else None
    if scheme := _SCHEME.match(text, start):
        start = scheme.end()
    if not is_secret_key(key) and not is_suspect_key(key):
        shape = _RANDOM
    else:
        shape = _ENCODED if named["sep"].startswith("%") else _PLAIN
    value = shape.match(text, start)
    return (start, value.end(), False) if value else None


def _closing(text: str, opened: re.Match[str], *, whole: bool) -> int:
    """Where the quoted value ends: at the same quote, as often escaped, on the same line; else with the line.

    Args:
        whole: whether it is followed however long it is.
    """
    if tripled := _TRIPLED.match(text, opened.start()):
        close = text.find(tripled[0], tripled.end(), tripled.end() + _MAX_LINE)
        if close > 0:
            return close
    end = _line_end(text, opened.end(), quotes=False, at_most=len(text) if whole else _MAX_LINE)
    if opened[0] == "%22":
        close = text.find("%22", opened.end(), end)
        return close if close >= 0 else end
    close, slashes = opened.end() - 1, len(opened["slashes"])
    while (close := text.find(opened["quote"], close + 1, end)) >= 0:
        before = close
        while before > opened.end() and text[before - 1] == "\\" and close - before <= slashes:
            before -= 1
        if close - before == slashes:
            return before
    return end


def _line_end(text: str, start: int, *, quotes: bool = True, at_most: int = _MAX_LINE) -> int:
    """Where the line ends, or the quotation that it stands in."""
    furthest = min(len(text), start + at_most)
    ends = [text.find(one, start, furthest) for one in (("\n", '"', "'") if quotes else ("\n",))]
    return min((each for each in ends if each >= 0), default=furthest)


def _hides(key: str, value: str, sep: str, quoted: bool, named: re.Match[str], after: str) -> bool:
    """Whether that value of that name is a secret."""
    if STANDS_FOR.fullmatch(value) or _NOTHING.fullmatch(value):
        return False
    if is_secret_key(key):
        return _is_secret_value(key, value, sep, quoted, named, after)
    if is_suspect_key(key):
        return len(value) >= 8 and _is_mixed(value)
    if key == "key" and named.string[max(0, named.start() - 1) : named.start()] in ("?", "&"):
        return bool(_HEXADECIMAL_KEY.fullmatch(value))
    return len(value) >= MIN_NAMED and sep != ">" and not names_something(key) and is_dense(value)


def _is_secret_value(key: str, value: str, sep: str, quoted: bool, named: re.Match[str], after: str) -> bool:
    """Names in program text, in prose and in counters are followed by words and numbers that tell nothing."""
    lowered = key.lower().strip("-")
    if value.isdigit() and lowered.endswith("s"):
        return False
    if lowered in ("pwd", "oldpwd") and value.startswith("/"):
        return False
    if sep == "->" or sep == ",":
        return _is_mixed(value) or not is_wording(value)
    if sep.lower() in ("is", "was"):
        return any(one.isdigit() for one in value) and _is_mixed(value)
    if sep == "|" or sep == "→":
        return len(value) >= 6 and _is_mixed(value)
    if sep == "":
        if key.startswith("--") or (key.startswith("-") and _PASSWORD.search(key)):
            return True
        return len(value) >= 6 and _stands_alone(key, value, quoted=quoted)
    if sep != ":" or quoted or named["close"]:
        return True
    if lowered in _BARE:
        return _is_mixed(value) and len(value) >= 6
    return not (value.isalpha() and bool(re.match(r"[ \t][A-Za-z]", after)))


def _stands_alone(key: str, value: str, *, quoted: bool) -> bool:
    """Whether it is a secret though nothing but a blank stands between it and its name."""
    digits = any(one.isdigit() for one in value)
    if _PASSWORD.search(key):
        return quoted or (digits and _is_mixed(value))
    return digits and not value.isdigit() and bool(_ALONE.fullmatch(value))


def _is_mixed(value: str) -> bool:
    """Whether it is anything but words and numbers."""
    return not value.isdigit() and not is_wording(value)


def _kind(key: str) -> SecretKind:
    lowered = key.lower()
    if _PASSWORD.search(key):
        return SecretKind.PASSWORD
    return SecretKind.COOKIE if "cookie" in lowered or "sess" in lowered else SecretKind.SECRET
