"""Secrets never come back, what an answer must name does, and equal things look equal within one conversation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.redaction import POLICIES, IdentityKind, Redactor
from core.models import Rung

ALL = frozenset(IdentityKind)
SECRET = "ghp_" + "fakeQuellFakeQuellFakeQuellFake012345"


def test_a_secret_has_one_placeholder_and_never_comes_back() -> None:
    redactor = Redactor()
    first = redactor.hide(f"push with {SECRET} failed")
    again = redactor.hide(f"GITHUB_TOKEN={SECRET} and password=hunter2")
    assert first == "push with [github-token-1] failed"
    assert again == "GITHUB_TOKEN=[github-token-1] and password=[password-1]"
    assert redactor.restore(first) == first
    assert SECRET not in repr(vars(redactor))


def test_other_secrets_have_other_placeholders() -> None:
    assert Redactor().hide("password=hunter2 password=hunter3") == "password=[password-1] password=[password-2]"


def test_people_and_places_come_back() -> None:
    redactor = Redactor(ALL, ("10.0.0.0/8", "fd00::/8", ".corp.example"))
    text = "ann@shop.corp.example saw db.corp.example at 10.1.2.3:5432, fd00::12 and 8.8.8.8; v1.2.3"
    hidden = redactor.hide(text)
    assert hidden == "[email-1] saw [host-1] at [address-1]:5432, [address-2] and 8.8.8.8; v1.2.3"
    assert redactor.hide(hidden) == hidden
    assert redactor.restore(hidden) == text
    assert redactor.restore("restart [host-1], ask [email-9]") == "restart db.corp.example, ask [email-9]"


@pytest.mark.parametrize(
    "text", ["ask ann@shop.example.", "to=ann%40shop.example&x=1", "ann@m\u00fcnchen.example", "<ann.b+c@a.b.example>,"]
)
def test_addresses_of_people_are_found_however_they_are_written(text: str) -> None:
    redactor = Redactor(ALL)
    hidden = redactor.hide(text)
    assert "ann" not in hidden
    assert "example" not in hidden
    assert redactor.restore(hidden) == text


def test_addresses_are_only_hidden_where_configured() -> None:
    text = "ann@example.org at 10.1.2.3"
    assert Redactor(ALL).hide(text) == "[email-1] at 10.1.2.3"
    assert Redactor((), ("10.0.0.0/8",)).hide(text) == text


def test_a_policy_for_each_rung_that_asks_a_model() -> None:
    text = "ann@example.org password=hunter2"
    assert Redactor.of(POLICIES[Rung.LOCAL]).hide(text) == "ann@example.org password=[password-1]"
    assert Redactor.of(POLICIES[Rung.FRONTIER]).hide(text) == "[email-1] password=[password-1]"


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match="corp"):
        Redactor(ALL, ("corp",))


@given(
    st.lists(
        st.sampled_from(["a@b.example", "10.0.0.7", "x.corp.example", "ok", " ", "\n", "10.0.0.8", ","]), max_size=20
    )
)
def test_hidden_and_restored_is_the_same_text(pieces: list[str]) -> None:
    text = " ".join(pieces)
    redactor = Redactor(ALL, ("10.0.0.0/8", ".corp.example"))
    hidden = redactor.hide(text)
    assert "10.0.0" not in hidden
    assert "@" not in hidden
    assert redactor.restore(hidden) == text


@given(st.text(max_size=200))
def test_the_same_text_is_hidden_the_same_way_again(text: str) -> None:
    redactor = Redactor(ALL, ("10.0.0.0/8",))
    given_text = f"{text}\npassword='hunter2hunter2' ann@example.org"
    assert redactor.hide(given_text) == redactor.hide(given_text)
    assert "hunter2" not in redactor.hide(given_text)
