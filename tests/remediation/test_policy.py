"""The action policy: which rule decides, and what a mistake in the file is told as."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import PolicyFileError
from core.models import Effect, Service, ServiceKind
from remediation.policy import default_policy, load_policy, parse_policy

PAYMENT = Service(name="payment")


def test_the_first_rule_that_fits_decides() -> None:
    policy = parse_policy(
        """
        rules:
          - {name: never-payment, services: ["pay*"], actions: [stop], effect: deny, why: money}
          - {name: stateless, kinds: [stateless], effect: allow}
        """,
        "policy.yaml",
    )
    assert policy.decide("stop", PAYMENT) == (Effect.DENY, "never-payment (money)")
    assert policy.decide("restart", PAYMENT) == (Effect.ALLOW, "stateless")
    assert policy.decide("restart", Service(name="db", kind=ServiceKind.DATABASE)) == (Effect.ASK, "default")


def test_an_empty_file_asks_about_everything() -> None:
    assert parse_policy("", "policy.yaml").decide("restart", PAYMENT) == (Effect.ASK, "default")


@pytest.mark.parametrize(
    ("action", "kind", "effect"),
    [
        ("restart", ServiceKind.STATELESS, Effect.ALLOW),
        ("start", ServiceKind.STATELESS, Effect.ALLOW),
        ("rollback", ServiceKind.STATELESS, Effect.ALLOW),
        ("stop", ServiceKind.STATELESS, Effect.ASK),
        ("restart", ServiceKind.CACHE, Effect.ASK),
        ("start", ServiceKind.DATABASE, Effect.ASK),
        ("restart", ServiceKind.DATABASE, Effect.DENY),
        ("rollback", ServiceKind.QUEUE, Effect.DENY),
        ("invented", ServiceKind.STATELESS, Effect.ASK),
    ],
)
def test_the_default_policy(action: str, kind: ServiceKind, effect: Effect) -> None:
    assert default_policy().decide(action, Service(name="x", kind=kind))[0] is effect


def test_the_default_limits() -> None:
    policy = default_policy()
    assert policy.max_actions_per_hour == 3
    assert policy.max_attempts == 3


@pytest.mark.parametrize(
    ("text", "told", "fix"),
    [
        ("rules: [", "line 1", "correct the YAML"),
        ("rules:\n  - name: a\n    effekt: allow\n    effect: deny\n", "line 3, rules.0.effekt", "spelling"),
        ("rules:\n  - name: a\n", "line 2, rules.0.effect", "add the key"),
        ("default: maybe\n", "line 1, default", "correct the value"),
        ("\nmax_attempts: -1\n", "line 2, max_attempts", "correct the value"),
        ("- a\n- b\n", "line 1, the file", "correct the value"),
        ("default: ask\ndefault: deny\n", "line 2: default is given twice", "keep one"),
    ],
)
def test_a_mistake_names_file_line_key_and_fix(tmp_path: Path, text: str, told: str, fix: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PolicyFileError) as caught:
        load_policy(path)
    assert str(path) in caught.value.message
    assert told in caught.value.message
    assert fix in caught.value.fix


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(PolicyFileError, match=r"none\.yaml"):
        load_policy(tmp_path / "none.yaml")
