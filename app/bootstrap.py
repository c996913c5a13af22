"""Puts the parts together: the only module that knows which implementation stands behind which port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from agents.ladder_policy import LadderPolicy
from alerting.channel import open_client
from alerting.outbox import Dispatcher
from alerting.registry import build_channels
from app.investigation import Investigator
from app.log_study import LogStudy
from app.models.speeds import SpeedCheck
from app.models.wiring import model_rungs
from app.notifier import OutboxNotifier
from app.observers import Observers
from app.operations.models import local_of, open_models
from app.operations.opening import open_store
from app.outages import OutageEnds
from app.settings import Settings
from app.sources import Loop, Opened, open_sources
from app.worker import Worker
from core.clock import Clock
from core.hooks import Hooks, NoHooks
from core.models import Rung
from core.ports import ChatModel, NullKnowledge
from events.intake import Intake
from events.watcher import Watcher
from graphs.context import IncidentContext, Notifier
from graphs.incident import build_incident_graph
from graphs.remedy import LiveRemedy
from graphs.runner import IncidentRunner
from remediation.executor import Executor
from remediation.facts import GuardSettings
from remediation.verification import Verifier
from stores.checkpoints import open_checkpointer
from stores.leases import Lease
from stores.store import Store
from tools.inventory import Inventory
from tools.signals import with_defaults
from tools.sources import Sources

log = structlog.get_logger(__name__)

RESTART_SECONDS = 1.0
"""Pause before a background loop that failed is begun again."""


@dataclass(frozen=True, slots=True)
class App:
    """Everything that runs, wired and ready; nothing is started yet."""

    settings: Settings
    clock: Clock
    store: Store
    inventory: Inventory
    sources: Sources
    opened: Opened
    intake: Intake
    runner: IncidentRunner
    investigate: Investigator
    worker: Worker
    watcher: Watcher
    dispatcher: Dispatcher
    observers: Observers
    models: Mapping[Rung, ChatModel]
    speeds: SpeedCheck | None = None

    @asynccontextmanager
    async def running(self, *, watch: bool = True) -> AsyncIterator[None]:
        """Scrape, work, watch and deliver in the background, until the block ends."""
        loops: dict[str, Loop] = {**self.opened.loops, "work": self.worker.run, "deliver": self.dispatcher.run}
        loops["outages"] = OutageEnds(self.store, self.sources, self.clock).run
        if watch:
            loops["watch"] = self.watcher.run
        if self.speeds is not None:
            loops["time models"] = self.speeds.run
        if self.models:
            loops["study templates"] = LogStudy(self.store, self.models, self.settings.privacy, self.clock).run
        tasks = [asyncio.create_task(self._keep_up(name, loop), name=name) for name, loop in loops.items()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_up(self, name: str, loop: Loop) -> None:
        """Run a loop for ever: one that fails is told about and begun again, never silently gone."""
        while True:
            try:
                await loop()
            except Exception:  # the boundary of a background loop
                log.exception("background_loop_failed", loop=name)
            await self.clock.sleep(RESTART_SECONDS)


def build_remedy(
    settings: Settings, store: Store, sources: Sources, inventory: Inventory, clock: Clock, hooks: Hooks
) -> LiveRemedy:
    """Guard, executor and verifier on the live world."""
    signals = with_defaults(settings.signals)
    guard = GuardSettings(
        inventory=inventory,
        sources=sources,
        policy=settings.action_policy,
        autonomy=settings.autonomy,
        dry_run=settings.dry_run,
    )
    verifier = Verifier(store, sources, inventory, clock, settings.verification, settings.analysis, signals)
    executor = Executor(store, sources, inventory, clock, hooks, dry_run=settings.dry_run)
    return LiveRemedy(store, clock, guard, executor, verifier, poll_seconds=settings.verification.poll_seconds)


def _patience(settings: Settings) -> float:
    """Seconds that the nodes may take that wait on purpose: for a cooldown, a recovery, or a better look."""
    return max(
        settings.action_policy.cooldown_seconds + settings.action_policy.max_evidence_age_seconds,
        settings.verification.deadline_seconds,
        settings.analysis.window_seconds,
    )


def _watcher(settings: Settings, store: Store, opened: Opened, clock: Clock) -> Watcher:
    return Watcher(
        store,
        opened.inventory,
        opened.sources,
        clock,
        settings.watch,
        settings.analysis,
        with_defaults(settings.signals),
        silences=opened.alertmanager,
        feedback=settings.feedback,
    )


@asynccontextmanager
async def open_app(settings: Settings, *, clock: Clock | None = None, hooks: Hooks | None = None) -> AsyncIterator[App]:
    """Wire everything over an opened store.

    Args:
        clock: that of the settings unless given.
        hooks: called at named points of every run; tests block or stop a run there.

    Raises:
        StoreError, ConfigError, PolicyFileError: as the parts that are opened.
    """
    clock, hooks = clock or settings.clock, hooks or NoHooks()
    knowledge = NullKnowledge()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings, clock))
        opened = await open_sources(settings, clock, store)
        stack.push_async_callback(opened.close)
        inventory, sources = opened.inventory, opened.sources
        checkpointer = await stack.enter_async_context(open_checkpointer(settings.checkpoints_url))
        channels = build_channels(settings.notify, await stack.enter_async_context(open_client()), clock)
        notifier: Notifier = OutboxNotifier(tuple(channels))
        remedy = build_remedy(settings, store, sources, inventory, clock, hooks)
        observers = Observers()
        clients = await stack.enter_async_context(open_models(settings, clock))
        models = model_rungs(clients, settings, store, clock, observers.observe_call)
        local = local_of(clients)

        def make_context(lease: Lease) -> IncidentContext:
            return IncidentContext(
                store=store,
                clock=clock,
                inventory=inventory,
                sources=sources,
                signals=with_defaults(settings.signals),
                analysis=settings.analysis,
                knowledge=knowledge,
                ladder=LadderPolicy(),
                remedy=remedy,
                lease=lease,
                notifier=notifier,
                hooks=hooks,
                max_rounds=settings.action_policy.max_attempts,
                models=models,
                data_policy=settings.privacy,
                observe=observers.observe_node,
                observe_escalation=observers.observe_escalation,
            )

        graph = build_incident_graph(
            checkpointer, deadline_seconds=settings.worker.node_deadline_seconds, patient_seconds=_patience(settings)
        )
        runner = IncidentRunner(graph, make_context)
        intake = Intake(
            store, inventory, clock, settings.correlation, autonomy=settings.autonomy, feedback=settings.feedback
        )
        yield App(
            settings=settings,
            clock=clock,
            store=store,
            inventory=inventory,
            sources=sources,
            opened=opened,
            intake=intake,
            runner=runner,
            investigate=Investigator(settings, inventory, sources, clock, models),
            worker=Worker(store, intake, runner, clock, settings.worker),
            watcher=_watcher(settings, store, opened, clock),
            dispatcher=Dispatcher(store, channels, clock),
            observers=observers,
            models=models,
            speeds=SpeedCheck(local, settings.models.local.deadlines, clock) if local else None,
        )
