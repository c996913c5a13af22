"""A healed incident replays byte for byte: in another process, without network, on a CPU without vector units."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from pathlib import Path

import pytest

from core.models import IncidentStatus
from tests.crash.world import environment, world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

NO_VECTORS = "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL"


async def quell(
    *arguments: str, folder: Path, extra: dict[str, str] | None = None, offline: bool = False
) -> dict[str, object]:
    """Run a command of Quell and parse what it prints; offline, the kernel gives it no network at all."""
    argv = [sys.executable, "-P", "-m", "app.cli.main", *arguments, "--json"]
    unshare = shutil.which("unshare")
    if offline and unshare:
        argv = [unshare, "--net", "--map-root-user", *argv]
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=folder,
        env={**environment(), **(extra or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, (out.decode()[-2000:], err.decode()[-2000:])
    parsed: dict[str, object] = json.loads(out)
    return parsed


async def test_an_exported_incident_replays_byte_for_byte(tmp_path: Path) -> None:
    live = tmp_path / "live"
    live.mkdir()
    async with world(live) as here:
        child, _ = await here.start_quell()
        await here.baseline()
        await here.kill_leaf()
        await here.alert()
        incident = await here.ended()
        await child.stop()
    assert incident.status is IncidentStatus.RESOLVED, incident
    bundle = tmp_path / "bundle"
    await quell(
        "incidents", "export", incident.id, "--to", str(bundle), "--config", str(live / "quell.yaml"), folder=tmp_path
    )
    shutil.rmtree(live)

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    slow = {"NPY_DISABLE_CPU_FEATURES": NO_VECTORS}
    fast_run = await quell("replay", str(bundle), folder=elsewhere, offline=True)
    slow_run = await quell("replay", str(bundle), folder=elsewhere, extra=slow, offline=True)
    assert fast_run["same"] is True, fast_run["differences"]
    assert slow_run["diagnosis"] == fast_run["diagnosis"]
    assert slow_run["same"] is True, slow_run["differences"]

    looked = await quell("investigate", "--bundle", str(bundle), folder=elsewhere, offline=True)
    recorded = json.loads((bundle / "decisions.json").read_text())
    rca = next(json.loads(each["result"]) for each in recorded if each["agent"] == "rca")
    assert looked["diagnosis"] == rca


async def test_a_bundle_that_was_changed_is_refused(tmp_path: Path) -> None:
    from core.clock import SystemClock
    from core.errors import BundleError
    from core.models import Autonomy, Incident, Severity
    from graphs.bundle import read_bundle, write_bundle
    from stores.migrate import upgrade
    from stores.store import Store

    url = f"sqlite+aiosqlite:///{tmp_path / 'quell.db'}"
    await upgrade(url)
    clock = SystemClock()
    store = await Store.open(url, clock)
    now = clock.now()
    incident = Incident(
        id="inc_1",
        status=IncidentStatus.ESCALATED,
        severity=Severity.WARNING,
        title="t",
        autonomy=Autonomy.OBSERVE,
        opened_at=now,
        updated_at=now,
    )
    async with store.write() as tx:
        await tx.incidents.add(incident)
    folder = tmp_path / "bundle"
    await write_bundle(store, "inc_1", folder, version="0", now=now)
    await store.close()
    assert read_bundle(folder).incident == incident

    file = folder / "incident.json"
    file.write_text(file.read_text().replace('"escalated"', '"resolved"'))
    with pytest.raises(BundleError, match=r"incident\.json was changed"):
        read_bundle(folder)
    file.unlink()
    with pytest.raises(BundleError, match="cannot read"):
        read_bundle(folder)
