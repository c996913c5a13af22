"""How bad a log message is: by the level that it states, else by its words."""

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
