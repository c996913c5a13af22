"""Base64 (RFC 4648) of text that holds credentials: ``user:password``, a configuration, a connection string."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator

from core.redaction.kinds import Found, SecretKind

_READABLE = r"[ACDI-Za-f][C-HS-Xi-ny-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]"
"""Four letters that stand for three bytes of ASCII: the first may be any, the others begin with a zero bit and are none
of the first control characters. Nearly no word begins with two of them."""

_RUN = re.compile(rf"(?<![A-Za-z0-9+/_-])(?:{_READABLE}){{2}}[A-Za-z0-9+/_-]{{4,}}+={{0,2}}")
_PAIR = re.compile(r"[\w.@+-]{1,64}:(?!\d{1,5}$)[^\s:]{4,128}|\x00[^\x00]{1,64}\x00[^\x00]{1,128}")
_PRINTABLE = frozenset(range(0x20, 0x7F)) | {0, 9, 10, 13}


def in_base64(text: str, holds: Callable[[str], bool]) -> Iterator[Found]:
    """Words that decode to readable text which is a user and a password, or of which `holds` says that it has one."""
    for run in _RUN.finditer(text):
        said = decoded(run[0])
        if said and (_PAIR.fullmatch(said.strip()) or holds(said)):
            yield Found(SecretKind.BASIC_CREDENTIALS, *run.span())


def decoded(word: str) -> str:
    """What base64 says; empty where it is none, or says nothing that can be read."""
    body = word.rstrip("=").replace("-", "+").replace("_", "/")
    if len(body) % 4 == 1:
        return ""
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4))
    except (binascii.Error, ValueError):
        return ""
    return raw.decode("ascii") if all(each in _PRINTABLE for each in raw) else ""
