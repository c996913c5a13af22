"""Secrets whose name does not stand right before them: name and value as two fields, blocks, columns, elements.

Kubernetes writes ``name: DB_PASSWORD`` above ``value:``, and everything below ``data:`` of a Secret
(https://kubernetes.io/docs/concepts/configuration/secret/); XML has names in attributes, SQL in a list of columns.
All patterns start at a literal and repeat within bounds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.redaction.keys import is_secret_key
from core.redaction.kinds import Found, SecretKind

_VALUE = (
    r"(?:\"(?P<double>[^\"\n]{1,4000})|'(?P<single>[^'\n]{1,4000})|(?P<plain>[^\s\"'<>,;{}\[\]|][^\s\"'<>,;}]{0,4000}))"
)

_TWO_FIELDS = re.compile(
    r"(?i)(?<![\w-])(?:name|key|k|field|property|variable|header)[\"']?\s{0,4}[:=]>?\s{0,4}[\"']?(?P<key>[\w.\-]{2,80})[\"']?"
    r"(?:,|;|/)?\s{0,80}(?:-[ ])?[\"']?(?:value|val|v|content)[\"']?\s{0,4}[:=]>?\s{0,4}" + _VALUE
)
_INSIDE = re.compile(
    r"(?i)(?<![\w.\-])(?P<key>[\w.\-]{3,80})[\"']?\s{0,4}[:=]>?\s{0,4}\{[^{}]{0,200}?"
    r"(?<![\w-])(?:value|plain|plaintext|raw|current|string|data)[\"']?\s{0,4}[:=]>?\s{0,4}" + _VALUE
)
_ELEMENT = re.compile(
    r"<(?:\w{1,40}:)?(?P<tag>[\w.\-]{1,80})(?:\s[^<>]{0,120}?\b(?:name|key)=[\"'](?P<key>[\w.\-]{2,80})[\"'])?(?:\s[^<>]{0,200})?>"
    r"\s{0,40}(?:<!\[CDATA\[)?(?P<plain>[^<\]\s][^<\]]{0,2000}?)(?:\]\]>)?\s{0,40}</"
)
_PART = re.compile(r"(?i)name=[\"'](?P<key>[\w.\-]{2,80})[\"']\s{0,4}\r?\n\r?\n(?P<plain>[^\r\n]{1,2000})")
_SERIALISED = re.compile(r"\"(?P<key>[\w.\-]{2,80})\";s:\d{1,6}:\"(?P<plain>[^\"\n]{1,2000})")
_BELOW = re.compile(
    r"(?m)(?<![\w.\-])(?P<key>[\w.\-]{3,80})[\"']?:[ \t]{0,8}(?:[|>][+-]?\d?[ \t]{0,8})?\r?\n"
    r"(?P<block>(?:[ \t]{1,40}(?:-[ ])?[\"']?[^\s\"':#]{4,4000}[\"']?,?[ \t]{0,8}(?:\r?\n|\Z)"
    r"|-[ ][^\s:]{4,4000}(?:\r?\n|\Z)){1,200})"
)
_SECRET_OBJECT = re.compile(r"kind[\"']?:\s{0,4}[\"']?Secret\b")
_DATA = re.compile(
    r"(?:data|stringData)[\"']?:\s{0,4}(?:\{(?P<object>[^{}]{0,20000})|\n(?P<lines>(?:[ \t]+\S[^\n]*\n?){1,500}))"
)
_ENTRY = re.compile(r"(?<![\w.\-])[\w.\-]{1,200}[\"']?:[ \t]{0,4}" + _VALUE)
_INSERT = re.compile(
    r"(?i)\binsert\s{1,4}into\s{1,4}\S{1,120}?\s{0,4}\((?P<columns>[^()]{1,2000})\)\s{0,4}values?\b(?P<rows>[^\n;]{1,8000})"
)
_LITERAL = re.compile(r"'(?P<plain>(?:[^'\\]|''|\\.){1,2000})'")

_ONE = (
    (_TWO_FIELDS, ("name", "key", "field", "property", "variable", "header")),
    (_INSIDE, ("{",)),
    (_ELEMENT, ("</",)),
    (_PART, ("form-data",)),
    (_SERIALISED, (";s:",)),
)
_NAMES = ("pass", "secret", "token", "key", "cred", "pwd", "auth", "cookie")


def paired(text: str) -> Iterator[Found]:
    """Values that belong to a name which holds secrets, in no order."""
    lowered = text.lower()
    if _SECRET_OBJECT.search(text):
        yield from _of_secret_object(text)
    if not any(name in lowered for name in _NAMES):
        return
    for pattern, hints in _ONE:
        if any(hint in lowered for hint in hints):
            for found in pattern.finditer(text):
                key = found["key"] or (found["tag"] if "tag" in found.re.groupindex else "")
                if is_secret_key(key):
                    yield _value(found)
    if "\n" in text:
        for found in _BELOW.finditer(text):
            if is_secret_key(found["key"]) and found["block"].strip():
                yield Found(SecretKind.SECRET, *found.span("block"))
    if "insert" in lowered:
        for found in _INSERT.finditer(text):
            if any(is_secret_key(one.strip(" \t`\"'[]")) for one in found["columns"].split(",")):
                for literal in _LITERAL.finditer(text, *found.span("rows")):
                    yield Found(SecretKind.PASSWORD, *literal.span("plain"))


def _of_secret_object(text: str) -> Iterator[Found]:
    """Everything below ``data`` and ``stringData``."""
    for data in _DATA.finditer(text):
        group = "object" if data["object"] is not None else "lines"
        for entry in _ENTRY.finditer(text, *data.span(group)):
            yield _value(entry)


def _value(found: re.Match[str]) -> Found:
    group = next(one for one in ("double", "single", "plain") if one in found.re.groupindex and found[one] is not None)
    return Found(SecretKind.SECRET, *found.span(group))
