"""`quell doctor`: looks at every integration without changing any, and says how to fix what is broken.

One check an integration, each a function that returns `SourceStatus` and raises nothing but bugs.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from alerting.registry import CHANNELS
from app.models.metered import unpriced
from app.models.wiring import without_price
from app.operations.database import schema_status
from app.operations.models import open_models
from app.operations.opening import open_store
from app.operations.outputs import DoctorReport
from app.server.binding import check_binding
from app.server.token import read_token
from app.settings import Settings, config_file
from app.sources import Opened, open_sources
from clients.scrape import scrape
from core.clock import Clock
from core.errors import QuellError
from core.ports import SourceStatus
from core.redaction import redact_text
from stores.checkpoints import checkpoints_exist, open_checkpointer
from stores.database import open_database
from stores.migrate import SCHEMA_FIX

MIN_FREE_BYTES = 500 * 1024 * 1024
TIMEOUT_SECONDS = 3.0


async def examine(file: Path | None, clock: Clock | None = None) -> DoctorReport:
    """Check everything that the configuration names.

    Args:
        file: the configuration file, as for `Settings.load`.
        clock: the one that the settings name unless given.
    """
    try:
        settings = Settings.load(file)
    except QuellError as error:
        return DoctorReport(ok=False, checks=(_broken("config", error),))
    where = config_file(file)
    checks = [_well("config", str(where) if where else "no file: defaults and environment")]
    checks += [check async for check in _checks(settings, clock or settings.clock)]
    return DoctorReport(ok=all(each.reachable for each in checks if each.configured), checks=tuple(checks))


async def _checks(settings: Settings, clock: Clock) -> AsyncIterator[SourceStatus]:
    yield _data_folder(settings.data_path)
    database = await _database(settings)
    yield database
    yield await _checkpoints(settings)
    for each in await _sources(settings, clock):
        yield each
    for each in await _notifiers(settings):
        yield each
    for each in await _models(settings, clock):
        yield each
    yield await _budget(settings, clock, database)
    yield _server(settings)
    yield await _clock(settings, clock, database)


def _data_folder(path: Path) -> SourceStatus:
    """Exists, or can be made, is writable, and has some space."""
    existing = next(each for each in (path, *path.parents) if each.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        return _bad("data folder", f"{existing} is not writable", "correct its rights, or set data_dir")
    free = shutil.disk_usage(existing).free
    if free < MIN_FREE_BYTES:
        return _bad("data folder", f"only {free // 2**20} MiB are free on the disk of {path}", "free some space")
    made = "" if path.exists() else " (made at first start)"
    return _well("data folder", f"{path}{made}, {free // 2**30} GiB free")


async def _database(settings: Settings) -> SourceStatus:
    """Readable, and at the newest schema, unless nothing has been started yet."""
    try:
        database = open_database(settings.store_url)
        if not database.exists():
            return _well("database", f"{database.name} (made at first start)")
        found = await schema_status(settings)
    except QuellError as error:
        return _broken("database", error)
    if not found.up_to_date:
        detail = f"at revision {found.current or 'none'}, the newest is {found.head}"
        return _bad("database", detail, SCHEMA_FIX)
    return _well("database", f"{found.database}, schema {found.current}", version=found.server)


async def _checkpoints(settings: Settings) -> SourceStatus:
    """Readable, unless no incident has been run yet."""
    try:
        url = settings.checkpoints_url
        where = open_database(url).name
        if not await checkpoints_exist(url):
            return _well("checkpoints", f"{where} (made at first start)")
        async with open_checkpointer(url) as saver:
            await saver.aget_tuple({"configurable": {"thread_id": "doctor"}})
    except QuellError as error:
        return _broken("checkpoints", error)
    return _well("checkpoints", where)


async def _sources(settings: Settings, clock: Clock) -> list[SourceStatus]:
    """Metrics, each scrape target, logs, traces, silences, and what runs the services."""
    try:
        opened = await open_sources(settings, clock)
    except QuellError as error:
        return [_broken("sources", error)]
    try:
        if not settings.prometheus.url:
            await opened.buffer.restore()
        found = [await opened.sources.metrics.status(), *await _targets(settings, clock)]
        found += [await opened.sources.logs.status(), await opened.traces.status()]
        found.append(
            await opened.alertmanager.status()
            if opened.alertmanager
            else _unused("alertmanager", "no silences are read: set alertmanager.url")
        )
        if opened.sources.changes is not None:
            found.append(await opened.sources.changes.status())
        return [*found, *await _actuators(settings, opened)]
    finally:
        await opened.close()


async def _targets(settings: Settings, clock: Clock) -> list[SourceStatus]:
    """Each page that Quell scrapes itself."""
    targets = () if settings.prometheus.url else settings.scrape.targets
    async with httpx.AsyncClient(trust_env=False, timeout=settings.scrape.timeout_seconds) as http:
        scrapes = await asyncio.gather(
            *(scrape(http, each, settings.scrape.timeout_seconds, clock) for each in targets)
        )
    found = []
    for each in scrapes:
        name = f"scrape {redact_text(each.target.url)}"
        if each.error:
            found.append(_bad(name, each.error, "start what serves that page, or correct scrape.targets"))
        else:
            found.append(_well(name, f"{len(each.samples)} samples in {each.seconds:.3f} s"))
    return found


async def _actuators(settings: Settings, opened: Opened) -> list[SourceStatus]:
    """What runs services; one that no service needs is not asked."""
    needed = {
        "process": (bool(settings.processes), "no processes are declared"),
        "docker": (True, ""),
        "swarm": (
            any(service.identity.swarm_service for service in opened.inventory.all()),
            "no service is a Swarm service",
        ),
    }
    found = []
    for actuator in opened.sources.actuators:
        wanted, why_not = needed[actuator.name]
        found.append(await actuator.status() if wanted else _unused(actuator.name, why_not))
    if opened.engine is None:
        found.append(_unused("docker", "no engine is used: set docker.url or DOCKER_HOST"))
    return found


async def _models(settings: Settings, clock: Clock) -> list[SourceStatus]:
    """Each rung that has a server; nothing is asked of a model."""
    if not settings.models.configured:
        return [_unused("models", "not configured: rules only")]
    try:
        async with open_models(settings, clock) as rungs:
            return list(await asyncio.gather(*(each.status() for each in rungs)))
    except QuellError as error:
        return [_broken("models", error)]


async def _budget(settings: Settings, clock: Clock, database: SourceStatus) -> SourceStatus:
    """Every frontier model has a price, and no cap is used up."""
    if not settings.models.frontier.configured:
        return _unused("budget", "no model that costs anything is configured")
    if unknown := without_price(settings):
        return _broken("budget", unpriced(unknown[0]))
    if not database.reachable:
        return _bad("budget", "what was spent is in the database", "see the database above")
    if not open_database(settings.store_url).exists():
        return _well("budget", "nothing was spent yet")
    try:
        async with open_store(settings, clock) as store, store.read() as tx:
            spent = await tx.spending.spent()
    except QuellError as error:
        return _broken("budget", error)
    caps = settings.budget
    told = ", ".join(f"{usd:.4f} of {caps.of(period):g} USD in the last {period}" for period, usd in spent.items())
    prices = (caps.price(model) for model in settings.models.frontier.choice.named)
    if days := [price.as_of for price in prices if price and price.as_of]:
        told += f"; prices as of {min(days)}"
    full = next((period for period, usd in spent.items() if usd >= caps.of(period)), None)
    return _bad("budget", told, f"raise budget.{full}_usd, or wait") if full else _well("budget", told)


async def _notifiers(settings: Settings) -> list[SourceStatus]:
    """Whether something listens where each channel sends; nothing is sent."""
    entries = [(f"notify.{kind} {each.name}", each.url) for kind in CHANNELS for each in getattr(settings.notify, kind)]
    if not entries:
        return [_unused("notify", "nobody is told: add notify.webhooks or notify.slack")]
    return list(await asyncio.gather(*(_listens(name, url.get_secret_value()) for name, url in entries)))


async def _listens(name: str, url: str) -> SourceStatus:
    fix = "correct its url, or the network between"
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, ValueError) as error:
        return _bad(name, f"its host does not answer: {type(error).__name__}", fix)
    writer.close()
    return _well(name, "its host answers")


def _server(settings: Settings) -> SourceStatus:
    """The address is allowed, and the token is kept where only its owner reads it."""
    try:
        check_binding(settings)
        token = read_token(settings)
    except QuellError as error:
        return _broken("server", error)
    path = settings.token_path
    if settings.server.token is None and path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        return _bad("server", f"others may read the token in {path}", f"chmod 600 {path}")
    where = f"{settings.server.host}:{settings.server.port}"
    return _well("server", f"{where}, token {'present' if token else 'made at first start'}")


async def _clock(settings: Settings, clock: Clock, database: SourceStatus) -> SourceStatus:
    """The wall clock is not behind what was recorded earlier."""
    now = clock.now()
    if database.reachable and open_database(settings.store_url).exists():
        try:
            async with open_store(settings, clock) as store, store.read() as tx:
                newest = next(iter(await tx.incidents.find(limit=1)), None)
        except QuellError as error:
            return _broken("clock", error)
        if newest and newest.opened_at > now:
            return _bad("clock", f"{now:%Y-%m-%d %H:%M:%SZ} is before the newest incident", "set the clock, run NTP")
    return _well("clock", f"{now:%Y-%m-%d %H:%M:%SZ}")


def _well(name: str, detail: str, version: str = "") -> SourceStatus:
    return SourceStatus(name=name, configured=True, reachable=True, detail=detail, version=version)


def _bad(name: str, detail: str, fix: str) -> SourceStatus:
    return SourceStatus(name=name, configured=True, detail=detail, fix=fix)


def _broken(name: str, error: QuellError) -> SourceStatus:
    return _bad(name, redact_text(error.message), error.fix)


def _unused(name: str, detail: str) -> SourceStatus:
    return SourceStatus(name=name, configured=False, detail=detail)
