"""What a line says: the message in its JSON or logfmt, the level that it states, the stack trace that it carries."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from analysis.logs.severity import of_level
from core.models import Severity

MAX_PARSED_CHARACTERS = 64_000
MAX_FIELDS = 24

_MESSAGE_KEYS = ("msg", "message", "event", "body", "log", "text")
_LEVEL_KEYS = ("level", "severity", "levelname", "lvl", "log.level", "severity_text", "severityText")
_ERROR_KEYS = ("error", "err", "exception", "error.message", "exc_info")
_STACK_KEYS = (
    "stack",
    "stack_trace",
    "stacktrace",
    "stackTrace",
    "traceback",
    "exception",
    "exc_info",
    "error.stack_trace",
)
_LOGFMT = re.compile(r"""(?:^|\s)([A-Za-z_][\w.-]{0,60})=("(?:[^"\\]|\\.)*+"|[^\s"]*+)""")
_LOGFMT_HINTS = ("msg=", "message=")
_VOLATILE = frozenset({"time", "ts", "timestamp", "@timestamp"})


class Message(NamedTuple):
    """What a line says.

    Attributes:
        text: the message; the line itself when it is neither JSON nor logfmt.
        level: the severity that the line states as a field; None when it states none.
        stack: the stack trace in a field of its own; empty when there is none.
    """

    text: str
    level: Severity | None = None
    stack: str = ""


def structured(text: str) -> bool:
    """Whether a line may be JSON or logfmt: a cheap look before `read_message`."""
    return text[:1] == "{" or "msg=" in text or "message=" in text or text[:1].isspace()


def read_message(text: str) -> Message:
    """Message, level and stack trace of a line; whatever is not understood is text."""
    stripped = text.strip() if text[:1].isspace() else text
    if len(stripped) > MAX_PARSED_CHARACTERS:
        return Message(text)
    if stripped.startswith("{"):
        return _from_json(stripped) or Message(text)
    if any(hint in stripped for hint in _LOGFMT_HINTS):
        return _from_logfmt(stripped) or Message(text)
    return Message(text)


def _from_json(text: str) -> Message | None:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _from_fields(_flat(fields)) if isinstance(fields, dict) and fields else None


def _from_logfmt(text: str) -> Message | None:
    """Pairs of key and value (https://brandur.org/logfmt); a line without a message among them is none."""
    fields: dict[str, Any] = {}
    for pair in _LOGFMT.finditer(text):
        key, value = pair.groups()
        fields.setdefault(key, value[1:-1].replace('\\"', '"') if value[:1] == '"' else value)
        if len(fields) >= 2 * MAX_FIELDS:
            break
    return _from_fields(fields) if any(fields.get(key) for key in _MESSAGE_KEYS) else None


def _flat(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields with those of nested objects, one level deep, as `outer.inner` (Elastic Common Schema nests so)."""
    flat: dict[str, Any] = {}
    for key, value in fields.items():
        if isinstance(value, dict):
            flat.update({f"{key}.{inner}": one for inner, one in list(value.items())[:MAX_FIELDS]})
        else:
            flat[key] = value
    return flat


def _from_fields(fields: Mapping[str, Any]) -> Message:
    """The message with the error that goes with it; without a message, the keys with their values."""
    said = _first(fields, _MESSAGE_KEYS)
    error = _first(fields, _ERROR_KEYS)
    stack = _first(fields, _STACK_KEYS)
    if "\n" not in stack:
        stack = ""
    if error and error != said and error != stack:
        said = f"{said}: {error}" if said else error
    if not said:
        kept = [(key, value) for key, value in fields.items() if key not in _VOLATILE][:MAX_FIELDS]
        said = " ".join(f"{key}={_text(value)}" for key, value in kept)
    return Message(said, of_level(_first(fields, _LEVEL_KEYS)), stack)


def _first(fields: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    """The first of the keys that is there and says something."""
    for key in keys:
        value = fields.get(key)
        if value is not None and (text := _text(value)):
            return text
    return ""


def _text(value: Any) -> str:
    """A field as text: nothing as nothing, what is nested as an ellipsis."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | dict):
        return "…" if value else ""
    return "" if value is None or value is False else str(value)
