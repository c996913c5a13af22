"""What a template is about, of a closed list, by rules: the first category whose words it has.

The order goes from what explains most to what explains least: a crash by a full disk is about storage, a refused
connection about the network, whatever request it happened in.
"""

from __future__ import annotations

import re

from core.models.logs import LogCategory

_WORDS: tuple[tuple[LogCategory, str], ...] = (
    (
        LogCategory.HARDWARE,
        r"parity|ecc|dimm|machine check|mce|temperature|fan speed|power supply|hardware|tlb|dcache|icache|firmware",
    ),
    (
        LogCategory.RESOURCE,
        r"out of memory|oom\w*|outofmemory\w*|memory (?:limit|pressure)|heap|gc overhead|cpu|quota|too many open files"
        r"|pool (?:is )?(?:exhausted|timeout)|exhausted|no free|rate limit\w*|throttl\w+|resource temporarily",
    ),
    (
        LogCategory.STORAGE,
        r"no space left|disk|filesystem\w*|file system|nfs|mount\w*|inode|i/o error|read-only|blocks?"
        r"|volume|raid|lustre|fsync",
    ),
    (
        LogCategory.SECURITY,
        r"auth\w*|password|login|logins|credential\w*|permission\w*|denied|forbidden|unauthori[sz]ed|certificate\w*|tls|ssl"
        r"|x509|token|session (?:opened|closed)|break-in|invalid user|signature|acls?",
    ),
    (
        LogCategory.TIMEOUT,
        r"time[ds]?[ -]?out|timeout\w*|deadline exceeded|took too long|\w+timeoutexception|slow query",
    ),
    (
        LogCategory.NETWORK,
        r"connect\w*|disconnect\w*|refused|unreachable|reset by peer|broken (?:pipe|channel)|socket\w*|dns|resolve\w*"
        r"|getaddrinfo|no such host|no route|network|interface|link|packet\w*|proxy|peer|bind|listening|eof",
    ),
    (
        LogCategory.CRASH,
        r"panic|fatal|traceback|segfault|segmentation fault|sig(?:segv|abrt|kill|term)|core dump\w*|crash\w*|killed"
        r"|abort\w*|exit code|exited|\w+(?:exception|error) at",
    ),
    (
        LogCategory.DATA,
        r"pars\w+|deseriali[sz]\w+|seriali[sz]\w+|decod\w+|encod\w+|malformed|corrupt\w*|checksum"
        r"|constraint|duplicate key|schema|invalid (?:value|input|format|json)|null ?pointer\w*"
        r"|keyerror|valueerror|typeerror|validation",
    ),
    (
        LogCategory.CONFIGURATION,
        r"config\w*|setting|settings|property|properties|environment|parameter\w*|option|options|deprecated"
        r"|feature flag|missing key",
    ),
    (
        LogCategory.LIFECYCLE,
        r"start\w*|stop\w*|shut\w*|shutting down|restart\w*|boot\w*|init\w*|load\w*|register\w*|unregister\w*|deploy\w*"
        r"|version|terminat\w*|launch\w*|ready|created?|destroy\w*|closing|leader|election|transition\w*|up|down",
    ),
    (
        LogCategory.JOB,
        r"job|jobs|task|tasks|cron|schedul\w*|worker\w*|queue\w*|batch|container\w*|stage|executor|attempt",
    ),
    (
        LogCategory.REQUEST,
        r"get|post|put|delete|patch|http\w*|request\w*|response\w*|served|status|query|rpc|handled|api",
    ),
)
_RULES = tuple((category, re.compile(rf"(?<![a-z])(?:{words})(?![a-z])", re.IGNORECASE)) for category, words in _WORDS)
MAX_READ_CHARACTERS = 400


def categorise(template: str) -> LogCategory:
    """The category of a template."""
    text = template[:MAX_READ_CHARACTERS]
    return next((category for category, words in _RULES if words.search(text)), LogCategory.OTHER)
