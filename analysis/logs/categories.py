"""What a template is about, of a closed list, by rules: the first category whose words it has.

Phrases that tell what went wrong come before words that only tell where: "connection reset" in a line on blocks is
about the network, "no space left" in a line on a container about storage. Within each group the order goes from what
explains most to what explains least, so a job that ran out of memory is about the memory.
"""

from __future__ import annotations

import re

from core.models.logs import LogCategory

_PHRASES: tuple[tuple[LogCategory, str], ...] = (
    (
        LogCategory.HARDWARE,
        r"parity|ecc|dimm|machine check|mce|temperature\w*|fan speed|power supply|hardware|tlb|dcache|icache|firmware",
    ),
    (
        LogCategory.RESOURCE,
        r"out of memory|oom\w*|outofmemory\w*|cannot allocate|memory (?:resource )?(?:limit|pressure)|gc overhead"
        r"|insufficient (?:cpu|memory)|too many (?:clients|connections|open files|requests)|file descriptors?"
        r"|not enough (?:space to cache|hosts|memory|resources)|low on resource\w*|quota|throttl\w+|rate limit\w*"
        r"|(?:pool|threads?|memory|connections?|limit|slots?|buffers?) (?:is |are )?(?:exhausted|timeout|reached)"
        r"|\w*pool\b.{0,40} (?:not available|exhausted|timed out|limit|full)|reached max\w*|output buffer limits"
        r"|deadlock\w*|resource temporarily|no free|heap",
    ),
    (
        LogCategory.STORAGE,
        r"no space left|disk (?:is )?(?:full|resource|error)|i/o error|read-only|fsync|under-replicated"
        r"|(?:volume|mount\w*)(?:\.\w+)? failed",
    ),
    (
        LogCategory.SECURITY,
        r"auth(?:entication|orization|orisation)? (?:fail\w*|refused)|password|login|credential\w*|permission\w*|denied"
        r"|forbidden|unauthori[sz]ed|certificat\w+|tls|ssl|x509|token .{0,20}expired|session (?:opened|closed) for user"
        r"|break-in|invalid user|signature|cannot (?:get|list|watch|create|update|delete) resource",
    ),
    (
        LogCategory.NETWORK,
        r"(?:connection|socket|link)s?(?: \S+)? (?:was |has been |is |with \w+ )?"
        r"(?:refused|reset|closed|lost|broken|down|up|aborted|unexpectedly)|econn\w+|unreachable|reset by"
        r"|unknownhost\w*|no such host|no route|broken pipe|port .{0,12}already (?:in use|allocated)"
        r"|binding failed|address already|getaddrinfo|partitioned|flooding|no (?:live )?(?:server|upstream)s?"
        r"|closed \w+ connection",
    ),
    (
        LogCategory.TIMEOUT,
        r"time[ds]?[ -]?out|timeout\w*|deadline exceeded|took too long|\w+timeoutexception|slow query|no heartbeat"
        r"|heartbeats?|no data nor|blocked for more than",
    ),
    (
        LogCategory.CRASH,
        r"panic|traceback|segfault|segmentation fault|sig(?:segv|abrt|kill)|core dump\w*|crash\w*|killed|nullpointer\w*"
        r"|exit(?:ed)? (?:with )?(?:a )?(?:non-zero )?(?:exit )?(?:code|status|signal)|process exited"
        r"|back-off restarting|liveness probe|\w+(?:exception|error) at",
    ),
    (
        LogCategory.DATA,
        r"pars(?:e|ing) (?:error|failed|failure)|deseriali[sz]\w+|decod\w+ (?:error|failed)|malformed|corrupt\w*"
        r"|checksum|constraint|duplicate (?:key|entry)|schema|invalid (?:value|input|format|json|page)|bad file format"
        r"|keyerror|valueerror|typeerror|validation (?:error|failed)|relation .{0,12}does not exist"
        r"|error reading the (?:headers|body)",
    ),
    (
        LogCategory.CONFIGURATION,
        r"syntax error|placeholder|config ?map|deprecat\w+|misconfigur\w+|unsatisfied dependency|default profile\w*"
        r"|overcommit\w*|unknown (?:option|parameter|setting|directive|variable)|missing (?:key|setting|option)",
    ),
    (
        LogCategory.LIFECYCLE,
        r"ready (?:to|for)|(?:server|proxy|service|system|context|instance|node|container)s?(?: \S+)?"
        r" (?:is |was |has )?(?:start\w*|stop\w*|shut\w*|ready|up|down|going down)|shutting down|shutdown|pull image"
        r"|normal operations|readiness probe|nodenotready|leader election|elected|safe mode|manifest|image not found",
    ),
)
_TOPICS: tuple[tuple[LogCategory, str], ...] = (
    (
        LogCategory.JOB,
        r"jobs?|tasks?|cron\w*|cmd|schedul\w*|batch|vacuum",
    ),
    (
        LogCategory.STORAGE,
        r"disk\w*|filesystem\w*|file system|nfs|mount\w*|inode|blocks?|volume|raid|lustre|checkpoint\w*|saving|saved"
        r"|wal|snapshot\w*|replicas? of|datanodes?|broadcast_\S*|bytes written|segments?",
    ),
    (
        LogCategory.CONFIGURATION,
        r"config\w*|setting|settings|property|properties|environment|parameter\w*|option|options|feature flag",
    ),
    (
        LogCategory.RESOURCE,
        r"cpu|memory|exhausted|pool|cache|limit alarm|too frequently|claim",
    ),
    (
        LogCategory.REQUEST,
        r"(?-i:GET|POST|PUT|DELETE|PATCH|HEAD)|http/\S+|http exception|requests?|responses?|served|query|queries|rpc"
        r"|handled|statement|file does not exist|upstream",
    ),
    (
        LogCategory.SECURITY,
        r"auth\w*|session|acls?|user|rights",
    ),
    (
        LogCategory.NETWORK,
        r"connect\w*|disconnect\w*|refused|channel|socket\w*|dns|resolve\w*|network|interface|link|packet\w*|proxy|peer|bind"
        r"|eof|sync|could not read from stream|replica",
    ),
    (
        LogCategory.DATA,
        r"pars\w+|seriali[sz]\w+|decod\w+|encod\w+|verification|record|field",
    ),
    (
        LogCategory.LIFECYCLE,
        r"start\w*|stop\w*|shut\w*|restart\w*|boot\w*|init\w*|load\w*|register\w*|unregister\w*|deploy\w*|version|terminat\w*"
        r"|launch\w*|listening|ready|created?|destroy\w*|closing|leader|election|transition\w*|up|down|spawn\w*|scaled"
        r"|assigned|running|release",
    ),
    (
        LogCategory.JOB,
        r"worker\w*|queue\w*|container\w*|stage|executor|attempt",
    ),
    (
        LogCategory.CRASH,
        r"fatal|abort\w*|exited",
    ),
)


def _compiled(groups: tuple[tuple[LogCategory, str], ...]) -> tuple[tuple[LogCategory, re.Pattern[str]], ...]:
    return tuple(
        (category, re.compile(rf"(?<![a-z])(?:{words})(?![a-z])", re.IGNORECASE)) for category, words in groups
    )


_RULES = _compiled(_PHRASES) + _compiled(_TOPICS)
MAX_READ_CHARACTERS = 400


def categorise(template: str) -> LogCategory:
    """The category of a template; `LogCategory.OTHER` when no rule knows any of its words."""
    text = template[:MAX_READ_CHARACTERS]
    return next((category for category, words in _RULES if words.search(text)), LogCategory.OTHER)
