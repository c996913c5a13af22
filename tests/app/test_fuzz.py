"""The API against its own OpenAPI document: whatever is sent, the answer is one that the document promises."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis import BaseSchema, Case
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.operations.context import Context
from app.operations.registry import OPERATIONS
from app.server.api import create_api
from app.settings import Settings
from core.clock import SystemClock
from core.models import Alert
from graphs.investigation import Investigation
from stores.migrate import upgrade
from stores.store import Store
from tests.app.conftest import SERVICES, TOKEN, populate
from tools.inventory import Inventory

pytestmark = pytest.mark.slow

HEADERS = {"Authorization": f"Bearer {TOKEN}"}
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


async def no_investigation(alerts: tuple[Alert, ...]) -> Investigation:
    """The run itself is no part of what is tested here."""
    raise AssertionError


async def _open(folder: Path) -> FastAPI:
    configured = Settings(data_dir=folder, services=SERVICES)
    await upgrade(configured.store_url)
    store = await Store.open(configured.store_url, SystemClock())
    await populate(store)
    context = Context(configured, store, SystemClock(), Inventory(SERVICES))
    return create_api(context, token=TOKEN, investigate=no_investigation)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> BaseSchema:
    """The API's own description of itself."""
    api = asyncio.run(_open(tmp_path_factory.mktemp("fuzz")))
    return schemathesis.openapi.from_asgi("/openapi.json", api, headers=HEADERS).exclude(path="/api/investigate")


def test_every_answer_is_one_that_the_document_promises(document: BaseSchema) -> None:
    tried = [_try(each.ok()) for each in document.get_all_operations()]
    assert len(tried) > len(OPERATIONS)


def _try(operation: APIOperation) -> str:
    @given(operation.as_strategy())
    @settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def call(case: Case) -> None:
        response = case.call(headers=HEADERS)
        case.validate_response(response, checks=CHECKS)
        assert response.headers["x-trace-id"]

    call()
    return str(operation.label)
