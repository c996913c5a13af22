"""How bad a log message is: by the level that it states, else by its words.

`of_words` is what the ranking of causes rests on. `of_message` reads as a person does: a refusal as designed, such as a
wrong password, is no failure of the system whatever level it states, and a link that is down is one without a level.
"""

from __future__ import annotations

import re

from core.models import Severity

_NAMES = {
    Severity.INFO: ("trace", "debug", "info", "information", "informational", "notice", "verbose"),
    Severity.WARNING: ("warn", "warning"),
    Severity.CRITICAL: ("error", "err", "severe", "critical", "crit", "fatal", "panic", "alert", "emergency", "emerg"),
}
_LEVELS = {name: severity for severity, names in _NAMES.items() for name in names}

_STATED = re.compile(
    r"(?:^|[\s\[(<|])(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|CRITICAL|FATAL)(?=[\])>|:\s])"
    r"|^\W{0,3}(trace|debug|info|notice|warn|warning|error|critical|fatal)(?=[\]:])"
    r"|^[^\w\s]{0,2}(?:<\*> ){1,2}\[?(debug|info|notice|warn|warning|error|crit|alert|emerg)\]"
)
_STATED_WITHIN_CHARACTERS = 80
_ERROR_WORDS = re.compile(
    r"\b(?:errors?|exception|traceback|fatal|panic|fail(?:s|ed|ing|ures?)?|refused|timed? ?out|killed"
    r"|abort(?:ed|ing)?|corrupt(?:ed|ion)?|denied|unreachable|unavailable|crash(?:ed)?|oom"
    r"|out of memory|segfault|segmentation fault|deadlock|no space left)\b|(?-i:[A-Za-z](?:Error|Exception)\b)",
    re.IGNORECASE,
)
_WARNING_WORDS = re.compile(
    r"\b(?:warn|warning|retry(?:ing)?|retries|deprecated|slow|degraded|throttl(?:ed|ing)|drop(?:ped|ping)|missing|invalid"
    r"|expired|exceed(?:s|ed)|rejected|unexpected|cannot|can't|could not|unable|not found|lost)\b",
    re.IGNORECASE,
)

_REFUSED = re.compile(
    r"(?<![a-z])(?:auth\w*(?: \w+)? (?:fail\w*|error|refused|rejected)|forbidden|unauthori[sz]ed|violat\w+"
    r"|(?:login|logon|passwords?|credentials?)\b.{0,40}\b(?:fail\w*|refused|rejected|mismatch|invalid|incorrect|wrong)"
    r"|(?:fail\w*|invalid|bad|wrong|incorrect)\b.{0,16}\b(?:login|logon|passwords?|credentials?|user(?:name)?|token|cookie)"
    r"|(?:token|session|certificate|request)\b.{0,16}\bexpired|(?:access|permission) denied (?:for|to) (?:user|client)"
    r"|not (?:supported|allowed|permitted)|\w*notsupported\w*|duplicate (?:key|entry)|rate limit\w*|throttl\w+"
    r"|(?:bad|malformed|invalid) (?:request|header|method|url|argument|input)s?|reading the (?:headers|body)"
    r"|(?:file|page|path|directory|resource|route) (?:does not exist|not found)|no \w+ (?:was |were )?found"
    r"|too many requests|(?-i:\"[A-Z]{3,7} [^\"]*\" 4\d\d)|(?:status|statuscode|code)[ =:]+4\d\d)(?![a-z])",
    re.IGNORECASE,
)
"""Whoever asked is at fault, and the system did what it should (RFC 9110, section 15.5: status 4xx)."""

_FAILED = re.compile(
    r"(?<![a-z])(?:oom\w*|core dump\w*|crash\w*|kill(?:ed|ing)|hung|deadlock\w*|i/o error|read-only|corrupt\w*"
    r"|insufficient|(?:disk|volume|filesystem) (?:is )?full|bad file format|no space left|not ?ready|exceeded its"
    r"|blocked (?:for|until)"
    r"|(?:exit|exited|terminated|died|killed)\b.{0,24}\b(?:signal|non-zero|status|code)"
    r"|(?:link|node|server|service|host|instance|backend|upstream|interface|broker|peer)\b.{0,24}\bdown"
    r"|(?:is|are) (?:now )?(?:lost|dead|down|offline|unavailable|unreachable)"
    r"|lost (?:executor|node|connection|quorum|leader)"
    r"|no (?:\S+ )?(?:server|upstream|backend|leader|node|broker|host)s?(?: is| are)? ?(?:available|live|alive|left)"
    r"|can ?not|can't|could(?: not|n't)|unable to|(?-i:\"[A-Z]{3,7} [^\"]*\" 5\d\d)"
    r"|(?:status|statuscode|code)[ =:]+5\d\d)(?![a-z])",
    re.IGNORECASE,
)
"""Something that should have worked did not, though no word for an error is said (section 15.6: status 5xx)."""


def of_level(level: str) -> Severity | None:
    """Severity of a stated level, a name or a number; None when it says nothing.

    Numbers up to 7 are syslog's (RFC 5424, section 6.2.1: 3 is error, 4 warning, smaller is worse), larger ones pino's
    and bunyan's (https://getpino.io/#/docs/api?id=loggerlevels-object: 40 is warn, 50 error).
    """
    name = level.strip().lower()
    if not (name.isascii() and name.isdecimal()) or len(name) > 3:
        return _LEVELS.get(name)
    number = int(name)
    error, warning = (number <= 3, number == 4) if number <= 7 else (number >= 50, number >= 40)
    return Severity.CRITICAL if error else Severity.WARNING if warning else Severity.INFO


def of_words(template: str) -> Severity:
    """Severity of a template: the level that it begins with, else the worst of its words."""
    if stated := _STATED.search(template[:_STATED_WITHIN_CHARACTERS]):
        return _LEVELS[next(name for name in stated.groups() if name).lower()]
    if _ERROR_WORDS.search(template):
        return Severity.CRITICAL
    return Severity.WARNING if _WARNING_WORDS.search(template) else Severity.INFO


def of_message(template: str) -> Severity:
    """Severity of a template by what it says went wrong; by its level and its words where it does not say."""
    if _REFUSED.search(template):
        return Severity.WARNING
    said = of_words(template)
    stated = _STATED.search(template[:_STATED_WITHIN_CHARACTERS])
    if (stated is None or said is not Severity.WARNING) and _FAILED.search(template):
        return Severity.CRITICAL
    return said
