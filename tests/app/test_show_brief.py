"""`quell incidents show --brief`: the causes and what the evidence says, on a page."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.cli.main import main
from core.clock import SystemClock
from stores.store import Store
from tests.app.conftest import populate
from tests.graphs.test_outcomes import decision


def test_an_incident_on_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def fill() -> None:
        store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / '.quell' / 'quell.db'}", SystemClock())
        await populate(store)
        async with store.write() as tx:
            await tx.decisions.add(decision())
        await store.close()

    (tmp_path / "quell.yaml").write_text("services: [{name: gateway}]\n")
    assert main(["db", "upgrade"]) == 0
    asyncio.run(fill())
    capsys.readouterr()
    assert main(["incidents", "show", "inc_1", "--brief"]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == "cause 1: payment hang, probability 0.8"
    assert any(row.startswith("[ev_1]") for row in rest), "its evidence is told too"
    assert main(["incidents", "show", "inc_1"]) == 0
    whole = [row.strip() for row in capsys.readouterr().out.splitlines()]
    assert "cause 1: payment hang, probability 0.8" in whole
    assert "it hangs [ev_1]" in whole
    assert ["rca", "rules", "80%", "0.0"] in [row.split()[2:] for row in whole]
    assert main(["incidents", "show", "inc_2", "--brief"]) == 0
    assert "not been diagnosed" in capsys.readouterr().out
