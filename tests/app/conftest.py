"""Settings without a trace of the machine's own, and a store with one incident that waits for an answer."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from app.metrics import Metrics
from app.operations.context import Context
from app.server.api import create_api
from app.settings import FOREIGN_NAMES, Settings
from core.clock import ManualClock
from core.models import Alert, AttemptState, Evidence, EvidenceKind, IncidentStatus, Service, TimelineEntry, Window
from core.models import Digest as EvidenceDigest
from graphs.investigation import Investigation
from stores.store import Store
from tests.stores.samples import NOON, alert, approval, attempt, incident
from tools.inventory import Inventory

TOKEN = "test-token-of-the-api"
SERVICES = (
    Service(name="gateway", tier=1, dependencies=("payment",)),
    Service(name="payment", protected=True),
)


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable and no quell.yaml of the machine reaches a test."""
    for name in list(os.environ):
        if name.startswith("QUELL_") or name in FOREIGN_NAMES:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, services=SERVICES)


@pytest.fixture
def context(settings: Settings, store: Store, clock: ManualClock) -> Context:
    return Context(settings, store, clock, Inventory(SERVICES))


async def populate(store: Store) -> None:
    """One incident that waits for an approval (inc_1), one that was resolved (inc_2)."""
    async with store.write() as tx:
        await tx.incidents.add(incident("inc_1", status=IncidentStatus.AWAITING_APPROVAL))
        await tx.incidents.add(incident("inc_2", status=IncidentStatus.RESOLVED, service="payment"))
        await tx.alerts.save(alert(), "inc_1")
        await tx.timeline.add("inc_1", TimelineEntry(at=NOON, kind="alert", text="HighErrorRate \x1b[31mis firing"))
        await tx.evidence.add(
            Evidence(
                id="ev_1",
                incident_id="inc_1",
                kind=EvidenceKind.METRIC,
                tool="metric_digest",
                source="scrape",
                query="{}",
                window=Window(start=NOON, end=NOON),
                subject="payment",
                digest=EvidenceDigest(summary="errors rose"),
            )
        )
        await tx.approvals.request(approval("appr_1"))
        await tx.attempts.reserve(attempt(state=AttemptState.RESERVED))
        await tx.audit.append("quell", "approval.requested", "inc_1", {})


@pytest.fixture
async def populated(context: Context) -> Context:
    await populate(context.store)
    return context


class Woken:
    """Counts how often the worker would have been woken."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.fixture
def woken() -> Woken:
    return Woken()


@pytest.fixture
def api(populated: Context, woken: Woken) -> FastAPI:
    async def investigate(alerts: tuple[Alert, ...]) -> Investigation:
        raise RuntimeError(f"secret detail of a bug about {len(alerts)} alerts")

    return create_api(populated, token=TOKEN, investigate=investigate, metrics=Metrics(), after_change=woken)


@pytest.fixture
async def stranger(api: FastAPI) -> httpx.AsyncClient:
    """A client without a token."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://quell")


@pytest.fixture
async def client(stranger: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client with the token."""
    stranger.headers["authorization"] = f"Bearer {TOKEN}"
    return stranger
