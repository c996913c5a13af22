"""What the tests of notices share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from alerting.channel import open_client
from alerting.messages import Message, Step
from core.models import Severity
from tests.receiver import Receiver, receiver


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with open_client() as opened:
        yield opened


@pytest.fixture
def message() -> Message:
    return Message(
        incident_id="inc_1",
        title="ErrorRate on gateway",
        severity=Severity.CRITICAL,
        service="gateway",
        status="escalated",
        what="Cause: crash in payment, confidence 92%.",
        why="the restart did not help",
        steps=(Step(text="Take it", command="quell incidents acknowledge inc_1"),),
    )
