"""The known shapes of trouble. To add one, describe what it needs; nothing else refers to it by name.

Collected from handbooks: "Site Reliability Engineering" (2016, chapters 21 and 22: overload, cascading failures, cold
caches), Nygard, "Release It!" (2018), and the kubernetes documentation on CrashLoopBackOff and OOMKilled.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.patterns.needs import (
    RISES,
    Need,
    alive,
    changed,
    either,
    ended,
    lacks,
    logs,
    precedes,
    shows,
    some_callee,
    some_caller,
    state,
)
from core.models import FaultKind, Shape, Signal

LOOP_EXITS = 3
"""A process that ended so often within the lookback does not come up; kubernetes backs off from the second time on."""

SURGE_FACTOR = 1.5
FLOOD_LINES_PER_SECOND = 10.0

LASTING = frozenset({*RISES, Shape.SPIKE})
FALLS = frozenset({Shape.ZERO, Shape.DROP})


@dataclass(frozen=True, slots=True)
class Pattern:
    """A known shape.

    Attributes:
        name: as findings carry it, in snake_case.
        title: what it is, in a sentence without a subject: it follows the name of the service.
        kind: the fault that it speaks for; None when several could look like it.
        needs: all of them must be met.
    """

    name: str
    title: str
    kind: FaultKind | None
    needs: tuple[Need, ...]


_SUFFERS = shows("its requests fail or are slow", Signal.ERRORS, Signal.LATENCY)
_SLOW = shows("its requests are slow", Signal.LATENCY)
_FLOODED = shows("it gets half again as many requests", Signal.TRAFFIC, shapes=LASTING, least_factor=SURGE_FACTOR)
_NOT_FLOODED = lacks("it does not get more requests", _FLOODED)
_FILLING = shows(
    "its memory will be at its limit", Signal.MEMORY, shapes=(Shape.TREND,), where=lambda one: one.forecast is not None
)
_STARTED = changed("it was started anew just before", "start", "restart", "exit")

LIBRARY: tuple[Pattern, ...] = (
    Pattern(
        "restart_loop",
        "ends again and again right after it was started",
        FaultKind.CRASH_LOOP,
        (ended(f"its process ended by itself at least {LOOP_EXITS} times", LOOP_EXITS),),
    ),
    Pattern(
        "out_of_memory",
        "was killed at its limit of memory",
        FaultKind.MEMORY_LIMIT,
        (state("the kernel says so", lambda known: known.out_of_memory),),
    ),
    Pattern(
        "memory_leak",
        "takes more and more memory, which its work does not explain",
        FaultKind.MEMORY_LEAK,
        (
            shows("its memory rises steadily", Signal.MEMORY, shapes=(Shape.TREND,)),
            either(
                "it does not get more requests, or got them only after its memory was on the way to its limit",
                _NOT_FLOODED,
                precedes("", _FILLING, _FLOODED),
            ),
            alive("it still runs"),
        ),
    ),
    Pattern(
        "disk_filling",
        "fills its disk",
        FaultKind.DISK_FULL,
        (
            either(
                "its disk will be full, or its log says that it is",
                shows("", Signal.DISK, where=lambda one: one.forecast is not None),
                logs("", r"no space left on device|disk (?:is )?full|ENOSPC|disk quota exceeded"),
            ),
        ),
    ),
    Pattern(
        "pool_exhaustion",
        "has no free connection or worker left",
        FaultKind.POOL_EXHAUSTED,
        (
            either(
                "its pool will be used up, or its log says that it is",
                shows("", Signal.POOL, where=lambda one: one.forecast is not None),
                logs("", r"pool (?:is )?(?:exhausted|timed? ?out|full)|too many (?:connections|clients)|no free conn"),
            ),
        ),
    ),
    Pattern(
        "handle_leak",
        "keeps files or sockets open",
        None,
        (
            either(
                "its open files rise steadily, or its log says that it has no more",
                shows("", Signal.FILES, shapes=(Shape.TREND,)),
                logs("", r"too many open files|EMFILE|ENFILE"),
            ),
        ),
    ),
    Pattern(
        "saturation",
        "has more work than processor",
        FaultKind.CPU_SATURATION,
        (shows("its cpu rose and stays up", Signal.CPU), _SUFFERS),
    ),
    Pattern(
        "noisy_neighbour",
        "gets too little of the machine that it shares",
        FaultKind.NOISY_NEIGHBOUR,
        (
            logs(
                "its log says that somebody else takes the processor or the memory of its machine",
                r"cpu[ -]?(?:starv|contend|contention)|(?:node|host|cpu)\W+contended|runqueue|steal time"
                r"|noisy neighbou?r|co-?tenant|throttling container",
            ),
            _SUFFERS,
            _NOT_FLOODED,
        ),
    ),
    Pattern(
        "poison_record",
        "is handed data that it must refuse, again and again",
        FaultKind.BAD_DATA,
        (
            logs(
                "its log says that a record breaks the rules",
                r"(?:record|message|row|payload|event|offset)\b.*\b(?:out of range|malformed|corrupt\w*|poison)"
                r"|\b(?:out of range|malformed|corrupt\w*|poison)\b.*(?:record|message|row|payload|event|offset)"
                r"|\b(?:redeliver\w*|dead.?letter)\b",
            ),
            _SUFFERS,
        ),
    ),
    Pattern(
        "retry_storm",
        "is asked again and again by callers whose requests it fails",
        None,
        (
            _FLOODED,
            _SUFFERS,
            some_caller("a caller of it does not get more requests itself", _NOT_FLOODED, _SUFFERS),
        ),
    ),
    Pattern(
        "thundering_herd",
        "is overrun right after it came back",
        FaultKind.TRAFFIC_SURGE,
        (_STARTED, _FLOODED, _SUFFERS),
    ),
    Pattern(
        "traffic_surge",
        "gets more requests from outside than it can serve",
        FaultKind.TRAFFIC_SURGE,
        (_FLOODED, _SUFFERS, lacks("no caller explains it", some_caller("", _FLOODED))),
    ),
    Pattern(
        "cold_cache",
        "was emptied, so that what lies behind it is asked instead",
        FaultKind.CACHE_FAILURE,
        (
            _STARTED,
            alive("it answers again"),
            some_caller("a caller is slow, and asks something else more than usual", _SLOW, some_callee("", _FLOODED)),
        ),
    ),
    Pattern(
        "cascading_timeout",
        "waits for what it calls until its own callers give up",
        FaultKind.DEPENDENCY_SLOW,
        (
            _SLOW,
            some_callee("what it calls is slow", _SLOW),
            some_caller("its callers fail or are slow", _SUFFERS),
        ),
    ),
    Pattern(
        "deploy_regression",
        "fails since another release was deployed",
        FaultKind.BAD_RELEASE,
        (
            changed("it was deployed just before", "deploy"),
            either("it suffers since, or logs errors", _SUFFERS, logs("", "")),
        ),
    ),
    Pattern(
        "configuration_regression",
        "fails since its configuration was changed",
        FaultKind.BAD_CONFIG,
        (
            changed("its configuration or a flag was changed just before", "config", "flag"),
            either("it suffers since, or logs errors", _SUFFERS, logs("", "")),
        ),
    ),
    Pattern(
        "flapping",
        "is up and down in turns",
        None,
        (
            shows(
                "it answers some scrapes and not others",
                Signal.UP,
                shapes=(Shape.ABSENT_UP,),
                where=lambda one: (one.current or 0.0) > 0,
            ),
        ),
    ),
    Pattern(
        "clock_skew",
        "has a clock that is wrong",
        None,
        (
            either(
                "its clock left its offset, or its log says so",
                shows("", Signal.CLOCK, shapes=(*LASTING, *FALLS)),
                logs("", r"clock (?:skew|drift)|(?:issued|is) in the future|not yet valid|time(?:stamp)? too skewed"),
            ),
        ),
    ),
    Pattern(
        "expired_certificate",
        "cannot be trusted any more, or does not trust others",
        FaultKind.CERTIFICATE,
        (
            logs(
                "its log says so",
                r"certificate (?:has )?expired|certificate verify failed|x509|unable to get local issuer|bad cert",
            ),
        ),
    ),
    Pattern(
        "name_resolution",
        "does not find the addresses of what it calls",
        FaultKind.DNS,
        (
            logs(
                "its log says so",
                r"no such host|name or service not known|name resolution|getaddrinfo|NXDOMAIN|SERVFAIL|EAI_AGAIN",
            ),
        ),
    ),
    Pattern(
        "log_flood",
        "writes far more warnings and errors than usual",
        None,
        (
            shows(
                f"a template comes at least {FLOOD_LINES_PER_SECOND:g} times a second, ten times as often as usual",
                Signal.LOGS,
                shapes=(Shape.NEW_LOG, Shape.LOG_RATE),
                least_factor=10.0,
                where=lambda one: (one.current or 0.0) >= FLOOD_LINES_PER_SECOND,
            ),
        ),
    ),
    Pattern(
        "starvation",
        "gets no more requests",
        None,
        (shows("its traffic fell", Signal.TRAFFIC, shapes=FALLS), alive("it still runs")),
    ),
    Pattern(
        "frozen_metric",
        "tells the same value again and again",
        None,
        (shows("a series stands still that usually moves", *Signal, shapes=(Shape.FLATLINE,)),),
    ),
)
