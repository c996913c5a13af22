"""The live remedy does not act blindly: while the metrics are away it waits, and in the end a human decides."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.clock import ManualClock
from core.errors import SourceUnavailable
from core.hooks import NoHooks
from core.models import Attempt, AttemptState, Autonomy, Check, Effect, Incident, Signal, Verdict
from graphs.remedy import LiveRemedy
from remediation.executor import Executor
from remediation.facts import KILL_SWITCH, GuardSettings
from remediation.policy import ActionPolicy
from remediation.verification import VerificationSettings, Verifier
from stores.store import Store
from tests.remediation.actor import CountingActuator
from tests.stores.samples import attempt, proposal
from tests.stores.samples import incident as sample_incident
from tests.tools.world import ANALYSIS, NOON, SHOP, Logs, Metrics, healthy
from tools.inventory import Inventory
from tools.signals import DEFAULT_SIGNALS
from tools.sources import Sources

POLL_SECONDS = 5.0
MAX_AGE_SECONDS = 60.0
BROKEN = proposal().model_copy(
    update={"success_checks": (Check(service="payment", signal=Signal.UP, description="payment answers"),)}
)
SERVICES = Inventory(
    [
        each.model_copy(update={"identity": each.identity.model_copy(update={"process": each.name})})
        for each in SHOP.all()
    ]
)


@pytest.fixture
def metrics() -> Metrics:
    """Payment has been down for forty seconds."""
    memory = Metrics()
    healthy(memory, "payment")
    down_at = (NOON - timedelta(seconds=40)).timestamp()
    memory.has("payment", "up", lambda times: (times < down_at).astype(float))
    return memory


class Bench:
    """A remedy over a real store and metrics in memory."""

    def __init__(self, store: Store, clock: ManualClock, metrics: Metrics) -> None:
        self.store, self.clock = store, clock
        self.incident: Incident = sample_incident(opened_at=NOON, investigated_at=NOON, autonomy=Autonomy.ACT)
        sources = Sources(metrics, Logs(), (CountingActuator(),))
        verification = VerificationSettings(hold_seconds=20)
        policy = ActionPolicy(default=Effect.ALLOW, max_evidence_age_seconds=MAX_AGE_SECONDS)
        self.remedy = LiveRemedy(
            store,
            clock,
            GuardSettings(inventory=SERVICES, sources=sources, policy=policy, autonomy=Autonomy.ACT),
            Executor(store, sources, SERVICES, clock, NoHooks()),
            Verifier(store, sources, SERVICES, clock, verification, ANALYSIS, DEFAULT_SIGNALS),
            poll_seconds=POLL_SECONDS,
        )

    async def judged(self, undo_of: Attempt | None = None) -> tuple[Verdict, float]:
        """The verdict, and the seconds that it took."""
        began = self.clock.monotonic()
        return await self.remedy.judge(self.incident, BROKEN, undo_of=undo_of), self.clock.monotonic() - began


@pytest.fixture
async def bench(store: Store, clock: ManualClock, metrics: Metrics) -> Bench:
    made = Bench(store, clock, metrics)
    async with store.write() as tx:
        await tx.incidents.add(made.incident)
    return made


def away(metrics: Metrics, seconds: float | None = None) -> None:
    """The source is away for so many seconds, or for good."""
    metrics.failure = SourceUnavailable("refused", fix="start it")
    metrics.fails_until = None if seconds is None else NOON + timedelta(seconds=seconds)


async def test_what_can_be_read_is_judged_at_once(bench: Bench) -> None:
    verdict, seconds = await bench.judged()
    assert (verdict.effect, seconds) == (Effect.ALLOW, 0)


async def test_metrics_that_are_away_are_waited_for(bench: Bench, metrics: Metrics) -> None:
    away(metrics, 3 * POLL_SECONDS)
    verdict, seconds = await bench.judged()
    assert (verdict.effect, verdict.facts.still_anomalous) == (Effect.ALLOW, True)
    assert seconds == 3 * POLL_SECONDS
    async with bench.store.read() as tx:
        began, over = await tx.timeline.of_incident(bench.incident.id)
    assert (began.kind, over.kind) == ("outage", "outage")
    assert (over.at - began.at).total_seconds() == float(over.data["seconds"]) == 3 * POLL_SECONDS


async def test_no_samples_after_an_outage_are_waited_for_too(bench: Bench, metrics: Metrics) -> None:
    away(metrics, POLL_SECONDS)
    seen_again = (NOON + timedelta(seconds=4 * POLL_SECONDS)).timestamp()
    gone = float("nan")
    metrics.has("payment", "up", lambda times: (times >= seen_again) * 0.0 + gone * (times < seen_again))
    _, seconds = await bench.judged()
    assert seconds >= 4 * POLL_SECONDS


async def test_metrics_that_stay_away_leave_it_to_a_human(bench: Bench, metrics: Metrics) -> None:
    away(metrics)
    verdict, seconds = await bench.judged()
    assert (verdict.effect, verdict.deciding.rule) == (Effect.DENY, "stale_evidence")
    assert MAX_AGE_SECONDS < seconds <= MAX_AGE_SECONDS + POLL_SECONDS


async def test_a_signal_that_never_had_samples_is_not_waited_for(bench: Bench, metrics: Metrics) -> None:
    metrics.series.clear()
    verdict, seconds = await bench.judged()
    assert (verdict.effect, verdict.facts.still_anomalous, seconds) == (Effect.ALLOW, None, 0)


async def test_nothing_is_waited_for_where_the_answer_is_no(bench: Bench, metrics: Metrics) -> None:
    away(metrics)
    async with bench.store.write() as tx:
        await tx.flags.set(KILL_SWITCH, "test")
    verdict, seconds = await bench.judged()
    assert (verdict.effect, seconds) == (Effect.DENY, 0)


async def test_an_undo_does_not_wait(bench: Bench, metrics: Metrics) -> None:
    away(metrics)
    verdict, seconds = await bench.judged(undo_of=attempt(of=BROKEN, state=AttemptState.DONE))
    assert (verdict.effect, seconds) == (Effect.ALLOW, 0)
