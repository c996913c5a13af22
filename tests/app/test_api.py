"""The API from outside: what every response has in common, and what the routes do to the store."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.operations.context import Context
from core.errors import StoreUnavailable
from core.models import ApprovalState, IncidentStatus
from events.inbox import PARSERS
from tests.app.conftest import TOKEN, Woken

PAYLOAD = {
    "version": "4",
    "alerts": [
        {"status": "firing", "labels": {"alertname": "A", "service": "gateway"}, "startsAt": "2026-03-03T12:00:00Z"}
    ],
}
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer ü"]
)
async def test_without_the_token_there_is_nothing_but_a_challenge(
    stranger: httpx.AsyncClient, header: str | None
) -> None:
    headers = {} if header is None else {"authorization": header.encode()}
    for path in ("/api/incidents", "/metrics", "/docs", "/openapi.json", "/no/such/path"):
        response = await stranger.get(path, headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.json()["fix"]


async def test_the_scheme_of_the_token_may_be_written_in_any_case(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get("/api/services", headers={"authorization": f"bEARER {TOKEN}"})).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_probes_need_no_token(stranger: httpx.AsyncClient, path: str) -> None:
    assert (await stranger.get(path)).status_code == 200


async def test_not_ready_while_the_store_does_not_answer(
    stranger: httpx.AsyncClient, populated: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(self: Any) -> Any:
        raise StoreUnavailable("the database is locked", fix="try again")

    monkeypatch.setattr(type(populated.store), "read", locked)
    response = await stranger.get("/readyz")
    assert response.status_code == 503
    assert response.headers["retry-after"]
    assert response.json()["error"] == "the database is locked"
    assert (await stranger.get("/healthz")).status_code == 200


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/nothing", 404), ("/api/incidents/inc_x", 404)])
async def test_every_response_names_its_trace(client: httpx.AsyncClient, path: str, status: int) -> None:
    first, second = await client.get(path), await client.get(path)
    assert first.status_code == status
    assert re.fullmatch(r"[0-9a-f]{32}", first.headers["x-trace-id"])
    assert first.headers["x-trace-id"] != second.headers["x-trace-id"]


async def test_errors_of_the_middleware_name_their_trace_too(stranger: httpx.AsyncClient) -> None:
    refused = await stranger.get("/api/incidents", headers={"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"})
    assert (refused.status_code, refused.headers["x-trace-id"]) == (401, TRACE_ID)


@pytest.mark.parametrize(
    ("traceparent", "honoured"),
    [
        (f"00-{TRACE_ID}-00f067aa0ba902b7-01", True),
        (f"00-{TRACE_ID}-00f067aa0ba902b7-00", True),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", False),
        (f"00-{TRACE_ID}-{'0' * 16}-01", False),
        (f"ff-{TRACE_ID}-00f067aa0ba902b7-01", False),
        (TRACE_ID, False),
        ("", False),
        ("x" * 5000, False),
    ],
)
async def test_a_valid_traceparent_is_honoured_and_any_other_ignored(
    client: httpx.AsyncClient, traceparent: str, honoured: bool
) -> None:
    response = await client.get("/healthz", headers={"traceparent": traceparent})
    assert response.status_code == 200
    assert (response.headers["x-trace-id"] == TRACE_ID) is honoured
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-trace-id"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("DELETE", "/api/incidents", 405), ("GET", "/api/incidents?limit=0", 422)],
)
async def test_every_refusal_has_the_same_shape(client: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    response = await client.request(method, path)
    assert response.status_code == status
    assert set(response.json()) == {"error", "fix", "path"}
    assert response.json()["fix"]


async def test_a_bug_is_answered_without_its_details(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/investigate", json=PAYLOAD)
    assert response.status_code == 500
    assert response.json()["error"] == "internal error"
    assert "secret detail" not in response.text
    assert response.headers["x-trace-id"]


async def test_alerts_are_kept_before_they_are_answered(
    client: httpx.AsyncClient, populated: Context, woken: Woken
) -> None:
    response = await client.post("/api/alerts/webhook", json=PAYLOAD)
    assert response.status_code == 202
    assert response.json()["accepted"] == 1
    async with populated.store.read() as tx:
        (item,) = await tx.inbox.pending(10)
    assert item.id == response.json()["ids"][0]
    assert item.source in PARSERS
    assert woken.times == 1


async def test_a_bad_field_is_named_and_the_body_kept(client: httpx.AsyncClient, populated: Context) -> None:
    bad = {
        "version": "4",
        "alerts": [*PAYLOAD["alerts"], {"status": "firing", "labels": {"a": "b"}, "startsAt": "soon"}],
    }
    response = await client.post("/api/alerts/webhook", json=bad)
    assert response.status_code == 422
    assert response.json()["path"] == "alerts[1].startsAt"
    async with populated.store.read() as tx:
        assert (await tx.inbox.counts())["rejected"] == 1


async def chunks(size: int, count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * size


@pytest.mark.parametrize("path", ["/api/alerts/webhook", "/api/services/explain"])
async def test_a_body_above_the_limit_is_refused_declared_or_in_chunks(
    client: httpx.AsyncClient, populated: Context, path: str
) -> None:
    limit = populated.settings.server.max_body_bytes
    declared = await client.post(path, content=b" " * (limit + 1))
    chunked = await client.post(
        path, content=chunks(2**20, limit // 2**20 + 1), headers={"content-type": "application/json"}
    )
    for response in (declared, chunked):
        assert response.status_code == 413
        assert "larger than" in response.json()["error"]
        assert response.headers["x-trace-id"]
    async with populated.store.read() as tx:
        assert not any((await tx.inbox.counts()).values())


async def test_the_largest_allowed_body_is_read(client: httpx.AsyncClient, populated: Context) -> None:
    limit = populated.settings.server.max_body_bytes
    response = await client.post("/api/alerts/webhook", content=b" " * limit)
    assert response.status_code == 422


async def test_a_question_is_answered_once(client: httpx.AsyncClient, populated: Context, woken: Woken) -> None:
    waiting = (await client.get("/api/approvals", params={"state": "pending"})).json()["approvals"]
    assert [each["id"] for each in waiting] == ["appr_1"]
    answer = await client.post("/api/approvals/inc_1/approve", json={"by": "ann", "note": "go"})
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["decided_by"]) == (ApprovalState.APPROVED, "ann")
    assert woken.times == 1
    again = await client.post("/api/approvals/appr_1/reject")
    assert again.status_code == 409
    assert again.json()["fix"]


async def test_incidents_are_listed_newest_first_and_filtered(client: httpx.AsyncClient) -> None:
    everything = (await client.get("/api/incidents")).json()["incidents"]
    assert {each["id"] for each in everything} == {"inc_1", "inc_2"}
    some = (await client.get("/api/incidents", params={"status": ["resolved", "closed"]})).json()["incidents"]
    assert [(each["id"], each["status"]) for each in some] == [("inc_2", IncidentStatus.RESOLVED)]


async def test_an_incident_is_exported_as_a_zip_file(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/incidents/inc_1/export")
    assert response.headers["content-type"] == "application/zip"
    assert response.content.startswith(b"PK")
    assert (await client.get("/api/incidents/none/export")).status_code == 404


async def test_own_metrics_count_requests_and_what_waits(client: httpx.AsyncClient) -> None:
    await client.get("/api/incidents/inc_1")
    await client.get("/api/incidents/inc_2")
    page = (await client.get("/metrics")).text
    assert 'quell_http_requests_total{code="200",method="GET",route="/api/incidents/{incident_id}"} 2.0' in page
    assert 'quell_incidents_open{status="awaiting_approval"} 1.0' in page
    assert "quell_approvals_pending 1.0" in page
    assert "quell_actions_stopped 0.0" in page
    await client.post("/api/policy/stop", json={"by": "ann"})
    assert "quell_actions_stopped 1.0" in (await client.get("/metrics")).text
