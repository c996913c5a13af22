"""The corpus of secrets leaves nothing behind, the corpus of innocents stays as it is, and no text takes long."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from core.redaction import HIDDEN, find, redact, redact_text

CORPUS = Path(__file__).parents[1] / "corpora" / "secrets"
LEFT_CHARACTERS = 6
"""So many characters of a secret in a row count as left behind."""


def _load(name: str) -> list[Any]:
    loaded = yaml.safe_load((CORPUS / f"{name}.yaml").read_text())
    assert isinstance(loaded, list)
    return loaded


ISSUED, INNOCENTS = _load("issued"), _load("innocents")
DISGUISED = _load("disguised")
SHOWN = [*_load("shown"), *DISGUISED]


def contexts(entry: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Where the secret stands, the text, and the secret as it is written there."""
    secret, name = "".join(entry["secret"]), entry["name"]
    encoded = quote(secret, safe="")
    yield "log", f"2026-03-03T12:00:01Z ERROR payment login failed: {name}={secret} (attempt 3)", secret
    yield "structured log", json.dumps({"msg": "failed", "ctx": json.dumps({name: secret, "n": 3})}), secret
    yield "label", json.dumps({"service": "payment", name: secret, "team": "shop"}), secret
    yield "url", f"GET https://example.org/a?x=1&{name}={encoded}&y=2 401", encoded
    yield "environment", f"HOME=/root\n{name}={secret}\nLANG=C", secret
    yield (
        "stack trace",
        f'Traceback:\n  File "a.py", line 3\n    Client("h", {name.replace("-", "_")}={secret!r})',
        secret,
    )
    if entry.get("bare"):
        yield "bare log", f"2026-03-03T12:00:01Z WARN upstream said no to {secret}, giving up", secret
        yield "bare url", f"https://example.org/hooks/{encoded}/send", encoded
        yield "bare trace", f"ValueError: invalid credential {secret!r}\n    at Client.java:21", secret
        yield "bare escaped", f'{{"msg": "line\\n{secret}\\nline"}}', secret


CASES = [
    pytest.param(text, [written], id=f"{entry['kind']}-{where}")
    for entry in ISSUED
    for where, text, written in contexts(entry)
] + [
    pytest.param(text, entry["gone"], id=f"{entry['kind']}-{at}")
    for entry in SHOWN
    for at, text in enumerate(entry["texts"])
]


@pytest.mark.parametrize(("text", "gone"), CASES)
def test_nothing_of_a_secret_is_left_behind(text: str, gone: list[str]) -> None:
    hidden = redact_text(text)
    left = [
        part[at : at + LEFT_CHARACTERS]
        for part in gone
        for at in range(max(1, len(part) - LEFT_CHARACTERS + 1))
        if part[at : at + LEFT_CHARACTERS] in hidden
    ]
    assert not left, hidden
    assert HIDDEN in hidden
    assert redact_text(hidden) == hidden


def test_the_corpus_has_at_least_25_kinds() -> None:
    assert len({entry["kind"] for entry in (*ISSUED, *SHOWN)}) >= 25


@pytest.mark.parametrize("text", INNOCENTS)
def test_innocent_text_stays_readable(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize("entry", ISSUED, ids=lambda entry: entry["kind"])
def test_labels_by_name_or_by_shape(entry: dict[str, Any]) -> None:
    secret = "".join(entry["secret"])
    if entry.get("bare"):
        assert secret not in json.dumps(redact({"value": secret}))


def test_what_surrounds_a_secret_stays() -> None:
    assert redact_text("a password=hunter2, user=bob b") == f"a password={HIDDEN}, user=bob b"
    assert redact_text("postgres://bob:hunter2@db/shop") == f"postgres://bob:{HIDDEN}@db/shop"


def test_fields_of_name_and_value_are_read_together() -> None:
    assert redact([{"name": "DB_PASSWORD", "value": "hunter2"}]) == [{"name": "DB_PASSWORD", "value": HIDDEN}]
    assert redact({"name": "PORT", "value": "5432"}) == {"name": "PORT", "value": "5432"}


def test_a_long_quoted_secret_is_hidden_to_its_end() -> None:
    assert redact_text(f'password="{"a b" * 5_000}hunter2", user=bob') == f'password="{HIDDEN}", user=bob'


def test_what_hides_a_secret_in_base64_twice_hides_nothing() -> None:
    inner = base64.b64encode(b"shop:hunter2-quell").decode()
    outer = base64.b64encode(json.dumps({"auths": {"r.example.org": {"auth": inner}}}).encode()).decode()
    assert redact_text(f"pulled with {outer}.") == f"pulled with {HIDDEN}."


HOSTILE = [
    "a=" * 50_000, "token" * 20_000, "password=" * 10_000, "://" * 30_000, "a://" * 25_000, "a://b:" * 20_000,
    "-----BEGIN PRIVATE KEY-----" * 4_000, '"password":"' * 8_000, "\\" * 100_000, "token\\" * 20_000, "eyJ" * 33_000,
    "eyJaaaaaaaa." * 9_000, "Aa1" * 33_000, "Aa1/" * 25_000, "bearer " * 15_000, "--token " * 12_000,
    "mysql -" * 15_000,
    "[" * 100_000, "tokens=[" * 12_000, " " * 100_000, "\t=" * 50_000, "<password>" * 10_000, "%22" * 33_000,
    "a%3D" * 25_000,
    "password " * 11_000, "cookie: " * 12_000, "@" * 100_000, "xoxb-" * 20_000, "sid=sid:" * 12_000, "a.b-c_" * 16_000,
    "\x1b[0m" * 25_000, "identified by '" * 6_000, "-u a:" * 20_000, '"k":"v",' * 12_000, "gl" * 50_000,
    "a.atlasv1." * 9_000,
    "name: password " * 6_000, "password: |\n" * 8_000, "&#34;" * 20_000, "%2525" * 20_000, "\x1b]" * 50_000,
    "\u200b" * 90_000,
    "YWRtaW4" * 14_000, "YWRtaW46aHVudGVyMlhxOQ== " * 4_000, "a1:b1@" * 16_000, "token: {" * 12_000, "<a b " * 20_000,
    "password=\"" * 9_000, "https://a:b/c@" * 7_000, "'a@" * 33_000, "insert into a (password) values (" * 3_000,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12].strip() or "blank")
def test_no_text_takes_more_than_linear_time(text: str) -> None:
    half, whole = _seconds(text[: len(text) // 4]), _seconds(text)
    assert whole < max(1.0, 12 * half)


def _seconds(text: str) -> float:
    began = time.process_time()
    find(text)
    return time.process_time() - began


_PIECES = st.sampled_from(
    ["password", "=", ":", " ", '"', "'", "\\", "\n", "token", "hunter2", "://", "@", "Bearer ", "ghp_",
     "a" * 20, "Aa1" * 12, "&", ",", "%22"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=300), st.lists(_PIECES, max_size=25).map("".join)))
def test_what_is_found_is_ordered_apart_and_inside(text: str) -> None:
    found = find(text)
    assert all(0 <= one.start < one.end <= len(text) for one in found)
    assert all(one.end <= other.start for one, other in pairwise(found))


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=9, max_size=40), st.text(max_size=100))
def test_a_password_never_survives_whatever_follows(secret: str, after: str) -> None:
    assume(secret.lower() != "undefined")  # says that there is no password
    assert redact_text(f'password="{secret}" {after}').startswith(f'password="{HIDDEN}"')
