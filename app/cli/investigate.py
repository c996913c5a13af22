"""`quell investigate`: a diagnosis with its evidence, read-only."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import JsonOption, ServerOption, load_settings
from app.cli.output import emit, line, table, when
from core.errors import NotFound, UsageError

if TYPE_CHECKING:
    from clients.buffer import ScrapeBuffer
    from graphs.investigation import Investigation


def investigate(
    alert: Annotated[
        str, typer.Option("--alert", metavar="FILE", help="Alert as JSON, as Alertmanager posts it; - reads it here.")
    ] = "",
    bundle: Annotated[
        Path | None, typer.Option("--bundle", metavar="FOLDER", help="An exported incident, offline, instead.")
    ] = None,
    collect_seconds: Annotated[
        float, typer.Option(min=0.0, help="How long to scrape when no running server has kept a history.")
    ] = 20.0,
    server: ServerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Diagnose an alert without touching anything."""
    from app.investigation import as_payload

    if bool(alert) == bool(bundle):
        raise UsageError("name one of --alert and --bundle", fix="such as `quell investigate --alert alert.json`")
    if bundle is not None:
        found = asyncio.run(_offline(bundle))
    else:
        body = as_payload(_read(alert))
        found = asyncio.run(_remote(server, body) if server else _here(body, collect_seconds))
    emit(found, as_json, _render)


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise NotFound(
            f"cannot read {name}: {error.strerror}", fix="name a JSON file, or - for standard input"
        ) from error


async def _offline(folder: Path) -> Investigation:
    from graphs.bundle import read_bundle
    from graphs.investigation import investigate_bundle

    return await investigate_bundle(read_bundle(folder))


async def _remote(server: str, body: bytes) -> Investigation:
    from app.operations.remote import Remote
    from app.server.token import read_token

    async with Remote(server, read_token(load_settings())) as remote:
        return await remote.investigate(body)


async def _here(body: bytes, collect_seconds: float) -> Investigation:
    from app.investigation import Investigator
    from app.sources import open_sources
    from events.alertmanager import parse

    alerts = parse(body)
    settings = load_settings()
    clock = settings.clock
    opened = await open_sources(settings, clock)
    if settings.models.configured:
        print("rules only: language models are asked by a running server, with --server", file=sys.stderr)
    await opened.buffer.restore()
    if not settings.prometheus.url and not opened.buffer.is_current:
        print(f"no running server keeps a history: scraping for {collect_seconds:.0f} s", file=sys.stderr)
        await _collect(opened.buffer, collect_seconds)
    return await Investigator(settings, opened.inventory, opened.sources, clock)(alerts)


async def _collect(buffer: ScrapeBuffer, seconds: float) -> None:
    """Scrape for a while, keeping nothing on disk: the file belongs to the server."""
    try:
        async with asyncio.timeout(seconds):
            await buffer.run(keep=False)
    except TimeoutError:
        return


def _render(found: Investigation) -> None:
    diagnosis = found.diagnosis
    line(
        "alerts    ",
        ", ".join(alert.name for alert in found.alerts),
        "on",
        found.incident.service or "no known service",
    )
    first = diagnosis.first
    if first is None:
        line("diagnosis ", diagnosis.abstained or "nothing left its baseline")
    for rank, hypothesis in enumerate(diagnosis.hypotheses, 1):
        line(f"cause {rank}   ", f"{hypothesis.probability:.2f}", hypothesis.kind, "in", hypothesis.service)
        line("           ", hypothesis.statement)
        line("            evidence:", ", ".join(hypothesis.evidence_for))
    for dropped in diagnosis.ruled_out:
        line("ruled out ", dropped.service, "-", dropped.reason)
    cited = {item for hypothesis in diagnosis.hypotheses for item in hypothesis.evidence_for}
    table(
        ("evidence", "about", "source", "what it says"),
        ((e.id, e.subject, e.source, e.error or e.digest.summary) for e in found.evidence if e.id in cited),
        empty="no evidence is cited",
    )
    for proposal in found.would_do:
        line("would do  ", proposal.action, proposal.service, f"({proposal.risk} risk):", proposal.expected_effect)
    line("looked at ", f"{len(found.evidence)} answers, as of", when(found.incident.investigated_at))
