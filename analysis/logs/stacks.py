"""Stack traces of Java, Python, Go and Node, folded: one message, keyed by exception type and top frames.

A trace comes as lines of their own, as one line with breaks in it (or the two characters backslash and n), or flattened
into one line. Line numbers, addresses and the exception's own text are no part of the key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from core.frames import LogLine

TOP_FRAMES = 3
MAX_TRACE_LINES = 200
MAX_TRACE_CHARACTERS = 20_000
MAX_HEAD_CHARACTERS = 4000

_JVM = re.compile(
    r"\bat ([\w$.<>/@-]{3,300})"
    r"\((?:[\w$.-]{1,200}\.(?:java|kt|scala|groovy)(?::\d+)?|Native Method|Unknown Source|<generated>)"
)
_PYTHON = re.compile(r'File "[^"\n]{1,300}", line \d+, in ([\w<>.]{1,200})')
_NODE = re.compile(r"\bat (?:async |new )?([\w$.<>]{1,200})(?: \[as [\w$]{1,100}\])? \([^()\s]{1,300}:\d+:\d+\)")
_GO = re.compile(r"(?:^|\n)([\w./*()·-]{1,300}?)\((?:[^()\n]{0,300}|\.\.\.)\)\n\s*\S{1,300}\.go:\d+")
_CAUSE = re.compile(r"Caused by: ([\w$.]{1,200})")
_NAME = re.compile(r"[A-Za-z_][\w$.]*+")
_TYPE_ENDINGS = ("Exception", "Error", "Throwable", "Exit", "Interrupt")
_PYTHON_TYPE = re.compile(r"^([A-Za-z_][\w.]{0,200})(?=:|\s*$)", re.MULTILINE)
_PANIC = re.compile(r"\b(?:panic|fatal error): ([^\n\[]{1,80})")

_CONTINUES = re.compile(
    r"\s+at \S|\s*\.\.\. \d+ (?:more|common)|Caused by: |\s+Suppressed: |\s+File \"|goroutine \d+ \["
)
_CHAINS = re.compile(r"During handling of the above exception|The above exception was the direct cause")
_GO_LINE = re.compile(r"\s|$|goroutine \d|created by |exit status|\[signal |[\w./*()·-]{1,300}\(")
_PYTHON_START = "Traceback (most recent call last)"
_GO_START = ("panic: ", "fatal error: ")
_SUSPECTS = frozenset(" \t.CgTpf")


def stack_key(text: str) -> str:
    """Exception type and top frames, innermost first, such as ``KeyError at price < total``; empty: no stack trace."""
    if "\\n" in text:
        text = text.replace("\\n", "\n").replace("\\t", "\t")
    if "at " in text and (frames := _JVM.findall(text)):
        causes = _CAUSE.findall(text)
        if causes and len(inner := text.rsplit("Caused by: ", 1)) == 2:
            frames = _JVM.findall(inner[1]) or frames
        return _key(causes[-1] if causes else _first_type(text), frames)
    if "at " in text and (frames := _NODE.findall(text)):
        return _key(_first_type(text), frames)
    if 'File "' in text and (frames := _PYTHON.findall(text)):
        names = _PYTHON_TYPE.findall(text)
        return _key(names[-1] if names else _first_type(text), frames[::-1])
    if ".go:" in text and (panics := _PANIC.findall(text)):
        frames = [name for name in _GO.findall(text) if not name.startswith(("panic", "runtime."))]
        return _key(f"panic: {panics[0].strip().rstrip(':')}", frames)
    return ""


def folded(lines: Iterable[LogLine]) -> Iterator[tuple[LogLine, str]]:
    """Each message with the stack trace that follows it, empty when there is none.

    A trace that begins a line of its own (Python, Go) is a message of its own; the frames of Java and Node belong to
    the line before them. Lines of one service are expected in their order; two processes that write traces at the same
    time into one stream are taken as one trace.
    """
    held: LogLine | None = None
    trace: list[str] = []
    for line in lines:
        text = line.text
        if held is not None and (trace or text[:1] in _SUSPECTS) and _belongs(text, held.text, trace):
            if not trace:
                trace.append(held.text)
            if len(trace) < MAX_TRACE_LINES:
                trace.append(text)
            continue
        if held is not None:
            yield held, _joined(trace)
            trace = []
        held = line
        if text.startswith((_PYTHON_START, *_GO_START)) and "\n" not in text:
            trace = [text]
    if held is not None:
        yield held, _joined(trace)


def _belongs(text: str, head: str, trace: list[str]) -> bool:
    """Whether a line goes on with the trace; without one, whether it is a frame of the line before."""
    if not trace:
        return _CONTINUES.match(text) is not None
    if text[:1] in (" ", "\t") or _CONTINUES.match(text):
        return True
    if head.startswith(_GO_START):
        return _GO_LINE.match(text) is not None
    if head.startswith(_PYTHON_START):
        if text.startswith(_PYTHON_START):
            return any(_CHAINS.match(one) for one in trace[-2:])
        return trace[-1][:1] in (" ", "\t") or not text or _CHAINS.match(text) is not None
    return False


def _joined(trace: list[str]) -> str:
    return "\n".join(trace)[:MAX_TRACE_CHARACTERS] if len(trace) > 1 else ""


def _first_type(text: str) -> str:
    names = (found.group().rstrip(".") for found in _NAME.finditer(text[:MAX_HEAD_CHARACTERS]))
    return next((name for name in names if name.endswith(_TYPE_ENDINGS)), "exception")


def _key(name: str, frames: list[str]) -> str:
    """The key; frames of equal name that follow each other (recursion) count once."""
    distinct = [frame for i, frame in enumerate(frames) if i == 0 or frame != frames[i - 1]]
    return f"{name} at {' < '.join(distinct[:TOP_FRAMES])}" if distinct else name
