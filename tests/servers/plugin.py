"""pytest's part of the test servers: the end of each running server's log stands in the report of a failed test."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.servers.process import running_servers


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections += [(f"log of {server.name} in {server.folder}", server.log) for server in running_servers]
    return report
