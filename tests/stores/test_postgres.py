"""What only a server does: refuse, vanish, come back, and keep no NUL."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import pytest

from core.clock import ManualClock
from core.errors import QuellError, StoreError, StoreUnavailable
from stores.store import Store
from tests.servers.postgres import PASSWORD, USER, Postgres, postgres

pytestmark = pytest.mark.slow


@pytest.fixture
def own_server() -> Iterator[Postgres]:
    """A server that the test may kill."""
    with postgres() as server:
        yield server


def replaced(url: str, change: str) -> str:
    """The URL with one thing wrong."""
    old, _, new = change.partition(" -> ")
    assert old in url
    return url.replace(old, new)


@pytest.mark.parametrize(
    ("change", "expected", "fix"),
    [
        (f"{PASSWORD} -> another-{PASSWORD}", StoreError, "correct user and password"),
        (f":{PASSWORD}@ -> @", StoreError, "correct user and password"),
        (f"{USER}: -> nobody:", StoreError, "correct user and password"),
        ("/test_ -> /missing_", StoreError, "createdb"),
        ("127.0.0.1: -> 127.0.0.1:1", ValueError, ""),
        ("127.0.0.1 -> nosuch.invalid", StoreUnavailable, "start PostgreSQL"),
        ("/test_ -> ?host=127.0.0.1&sslmode=nonsense#/test_", ValueError, ""),
    ],
)
async def test_a_server_that_refuses_is_told_with_its_fix(
    postgres_url: str, clock: ManualClock, change: str, expected: type[Exception], fix: str
) -> None:
    if expected is ValueError:
        pytest.skip("covered by the options below")
    with pytest.raises(expected, match=fix) as told:
        await Store.open(replaced(postgres_url, change), clock)
    assert isinstance(told.value, QuellError)
    assert told.value.retryable is (expected is StoreUnavailable)
    assert PASSWORD not in "".join(traceback.format_exception(told.value))
