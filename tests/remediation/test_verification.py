"""Verification: the metrics' word, held long enough, with its evidence on record."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.clock import ManualClock
from core.errors import SourceUnavailable
from core.models import Attempt, AttemptState, Check, Incident, Proposal, Recovery, Signal, Verification
from remediation.verification import VerificationSettings, Verifier
from stores.store import Store
from tests.stores.samples import attempt as sample_attempt
from tests.stores.samples import incident as sample_incident
from tests.stores.samples import proposal as sample_proposal
from tests.tools import world
from tests.tools.world import ANALYSIS, NOON, SHOP, Logs, Metrics, healthy
from tools.signals import DEFAULT_SIGNALS
from tools.sources import Sources

SETTINGS = VerificationSettings(deadline_seconds=120, hold_seconds=20, poll_seconds=5, settle_seconds=5)
ERRORS = Check(service="gateway", signal=Signal.ERRORS, description="few requests fail")
UP = Check(service="payment", signal=Signal.UP, description="payment answers")
FAULT_AT = NOON - timedelta(seconds=40)


def after(seconds: float) -> Any:
    """An instant after the action."""
    return NOON + timedelta(seconds=seconds)


@pytest.fixture
def metrics() -> Metrics:
    """The gateway's errors begin with the fault; payment is down."""
    memory = Metrics()
    for job in ("gateway", "payment"):
        healthy(memory, job)
    failing(memory, until=1e6)
    down(memory, until=1e6)
    return memory


def failing(memory: Metrics, *, until: float, again: tuple[float, float] = (0.0, 0.0)) -> None:
    """Half of the gateway's requests fail from the fault until so many seconds after the action, and in `again`."""
    spans = [(FAULT_AT.timestamp(), after(until).timestamp()), tuple(after(each).timestamp() for each in again)]

    def values(times: Any) -> Any:
        return 10.0 * sum(((times >= start) & (times < end)).astype(float) for start, end in spans)

    memory.has("gateway", "http_requests_total", values, function="rate", pattern="code=5..")


def down(memory: Metrics, *, until: float) -> None:
    """Payment is down from the fault until so many seconds after the action."""
    start, end = FAULT_AT.timestamp(), after(until).timestamp()
    memory.has("payment", "up", lambda times: 1.0 - ((times >= start) & (times < end)))


class Bench:
    """A verifier over a real store and metrics in memory."""

    def __init__(self, store: Store, clock: ManualClock, metrics: Metrics) -> None:
        sources = Sources(metrics, Logs(), ())
        self.store, self.clock = store, clock
        self.incident: Incident = sample_incident(investigated_at=NOON - timedelta(seconds=10))
        self.verifier = Verifier(store, sources, SHOP, clock, SETTINGS, ANALYSIS, DEFAULT_SIGNALS)

    def proposal(self, *checks: Check) -> Proposal:
        return sample_proposal().model_copy(update={"success_checks": checks})

    def attempt(self, *checks: Check) -> Attempt:
        return sample_attempt(of=self.proposal(*checks), state=AttemptState.DONE, ended_at=NOON)

    async def verify(self, *checks: Check) -> Verification:
        return await self.verifier.verify(self.incident, self.attempt(*checks))

    async def stored(self) -> tuple[set[str], int]:
        async with self.store.read() as tx:
            recordings = await tx.recordings.of_incident(self.incident.id)
            return await tx.evidence.ids(self.incident.id), len(recordings)


@pytest.fixture
async def bench(store: Store, clock: ManualClock, metrics: Metrics) -> Bench:
    made = Bench(store, clock, metrics)
    async with store.write() as tx:
        await tx.incidents.add(made.incident)
    return made


async def test_recovery_is_proven_by_metrics_that_hold(bench: Bench, metrics: Metrics) -> None:
    failing(metrics, until=20)
    down(metrics, until=5)
    word = await bench.verify(ERRORS, UP)
    assert word.recovery is Recovery.RECOVERED
    assert 20 + SETTINGS.hold_seconds <= word.seconds <= 60
    assert "errors of gateway" in word.detail
    assert "up of payment" in word.detail


async def test_what_the_word_rests_on_is_stored_with_its_raw_data(bench: Bench, metrics: Metrics) -> None:
    failing(metrics, until=20)
    word = await bench.verify(ERRORS)
    ids, recordings = await bench.stored()
    assert len(word.evidence) >= SETTINGS.hold_seconds / SETTINGS.poll_seconds
    assert set(word.evidence) == ids
    assert recordings == 2 * len(ids)


async def test_an_action_that_does_not_help_is_not_recovery(bench: Bench) -> None:
    word = await bench.verify(ERRORS, UP)
    assert word.recovery is Recovery.NOT_RECOVERED
    assert SETTINGS.deadline_seconds - SETTINGS.poll_seconds <= word.seconds <= SETTINGS.deadline_seconds
    ids, _ = await bench.stored()
    assert word.evidence
    assert set(word.evidence) <= ids


async def test_one_failing_check_is_enough(bench: Bench, metrics: Metrics) -> None:
    failing(metrics, until=0)
    word = await bench.verify(ERRORS, UP)
    assert word.recovery is Recovery.NOT_RECOVERED
    assert "up of payment" in word.detail
    assert "errors" not in word.detail


async def test_a_relapse_starts_the_hold_anew(bench: Bench, metrics: Metrics) -> None:
    failing(metrics, until=0, again=(15, 40))
    word = await bench.verify(ERRORS)
    assert word.recovery is Recovery.RECOVERED
    assert word.seconds >= 40 + SETTINGS.hold_seconds


async def test_a_recovery_too_late_to_hold_says_so(bench: Bench, metrics: Metrics) -> None:
    failing(metrics, until=SETTINGS.deadline_seconds - 20)
    word = await bench.verify(ERRORS)
    assert word.recovery is Recovery.NOT_RECOVERED
    assert "at the deadline" in word.detail


@pytest.mark.parametrize("broken", ["failure", "no series", "no traffic", "no labels", "not a metric", "no check"])
async def test_what_cannot_be_read_never_counts_as_recovered(bench: Bench, metrics: Metrics, broken: str) -> None:
    checks: tuple[Check, ...] = (ERRORS,)
    if broken == "failure":
        metrics.failure = SourceUnavailable("refused", fix="start it")
    elif broken == "no series":
        metrics.series.clear()
    elif broken == "no traffic":
        metrics.has("gateway", "http_requests_total", world.steady(0.0), function="rate")
    elif broken == "no labels":
        checks = (Check(service="gateway", signal=Signal.MEMORY, description=""),)
        del metrics.series[("gateway", "process_resident_memory_bytes", "raw", "")]
    elif broken == "not a metric":
        checks = (Check(service="gateway", signal=Signal.STATE, description=""),)
    else:
        checks = ()
    word = await bench.verify(*checks)
    assert word.recovery is Recovery.UNREADABLE
    assert word.detail
    assert (await bench.verifier.present(bench.incident, bench.proposal(*checks))).anomalous is None


async def test_one_unreadable_check_spoils_a_recovery(bench: Bench, metrics: Metrics) -> None:
    failing(metrics, until=0)
    del metrics.series[("payment", "up", "raw", "")]
    assert (await bench.verify(ERRORS, UP)).recovery is Recovery.UNREADABLE


async def test_a_source_that_comes_back_is_believed_again(bench: Bench, metrics: Metrics) -> None:
    failing(metrics, until=10)
    metrics.failure = SourceUnavailable("refused", fix="start it")
    metrics.fails_until = after(30)
    word = await bench.verify(ERRORS)
    assert word.recovery is Recovery.RECOVERED
    assert word.seconds >= 30 + SETTINGS.hold_seconds
    async with bench.store.read() as tx:
        told = [each.text for each in await tx.timeline.of_incident(bench.incident.id) if each.kind == "outage"]
    began, over = told  # once, however often it was asked
    assert "refused" in began
    assert "answers again after 25.0 s" in over


async def test_a_source_that_is_away_is_told_from_a_signal_without_samples(bench: Bench, metrics: Metrics) -> None:
    metrics.series.clear()
    assert not (await bench.verifier.present(bench.incident, bench.proposal(ERRORS))).source_away
    metrics.failure = SourceUnavailable("refused", fix="start it")
    assert (await bench.verifier.present(bench.incident, bench.proposal(ERRORS))).source_away


async def test_nothing_is_read_before_it_has_settled(bench: Bench, metrics: Metrics) -> None:
    failing(metrics, until=0)
    await bench.verify(ERRORS)
    first = metrics.queries[0]
    assert first.window.end >= after(SETTINGS.settle_seconds)


async def test_still_anomalous_is_the_word_of_now(bench: Bench, metrics: Metrics) -> None:
    assert (await bench.verifier.present(bench.incident, bench.proposal(ERRORS))).anomalous is True
    bench.clock.advance(120)
    failing(metrics, until=30)
    assert (await bench.verifier.present(bench.incident, bench.proposal(ERRORS))).anomalous is False
    ids, _ = await bench.stored()
    assert len(ids) == 2
