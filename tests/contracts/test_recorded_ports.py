"""Recorded ports answer as the ports did that they were recorded from, failures included."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clients import recorded
from clients.recorded import RecordedActuator, RecordedLogs, RecordedMetrics, RecordedTraces
from core.errors import ActuatorError, BundleError, SourceError, SourceRejected, SourceUnavailable
from core.frames import LogQuery, MetricQuery
from core.models import Change, Window
from core.ports import TraceSource
from core.traces import TraceQuery
from stores.recordings import Recording
from tests.tools import world
from tests.tools.world import NOON, Logs, Metrics, Processes, Traces, lines
from tools.recording import Recorder
from tools.sources import Sources

WINDOW = Window(start=NOON - timedelta(minutes=1), end=NOON)
METRIC = MetricQuery(metric="up", matchers={"job": "payment"}, window=WINDOW, step_seconds=5)
UNKNOWN = MetricQuery(metric="nothing", matchers={"job": "payment"}, window=WINDOW, step_seconds=5)
LOG = LogQuery(service="payment", window=WINDOW, limit=10)
SPANS = TraceQuery(service="payment", window=WINDOW, limit=10)
PAYMENT = world.service("payment")


class Tape:
    """A recording under way: live sources in front, recorded ones behind."""

    def __init__(self, live: Sources) -> None:
        recorder = Recorder("ev_1", NOON)
        self.calls: list[Recording] = recorder.calls
        self.live = recorder.sources(live)
        assert self.live.traces is not None
        self.spans: TraceSource = self.live.traces
        self.metrics = RecordedMetrics(self.look_up)
        self.logs = RecordedLogs(self.look_up)
        self.traces = RecordedTraces(self.look_up)
        self.actuator = RecordedActuator(self.look_up, now=NOON)

    async def look_up(self, port: str, key: str) -> bytes | None:
        return next((call.payload for call in self.calls if (call.port, call.key) == (port, key)), None)


def memory(failure: SourceError | None = None) -> Sources:
    metrics = Metrics(failure=failure)
    metrics.has("payment", "up", world.step(1.0, float("nan"), NOON - timedelta(seconds=30)))
    changes = [Change(service="payment", kind="deploy", at=NOON - timedelta(seconds=20), after="2")]
    spoken = lines("payment", 25, "line {}", start=WINDOW.start, seconds=50)
    spans = [world.span("payment", number, WINDOW.start + timedelta(seconds=number), 0.2) for number in range(20)]
    return Sources(metrics, Logs(spoken, failure), (Processes(changes, failure),), Traces(spans, failure))


async def test_answers_are_played_back_as_they_were() -> None:
    tape = Tape(memory())
    frame = await tape.live.metrics.query(METRIC)
    again = await tape.metrics.query(METRIC)
    assert again.values.tobytes() == frame.values.tobytes()
    assert (again.start, again.step, again.labels) == (frame.start, frame.step, frame.labels)
    assert not (await tape.live.metrics.query(UNKNOWN)).labels
    assert (await tape.metrics.query(UNKNOWN)).values.shape == (0, 13)

    page = await tape.live.logs.query(LOG)
    assert await tape.logs.query(LOG) == page
    rest = LOG.model_copy(update={"cursor": page.cursor})
    assert await tape.live.logs.query(rest) == await tape.logs.query(rest)

    spans = await tape.spans.query(SPANS)
    assert (len(spans.spans), spans.dropped) == (10, 10)
    assert await tape.traces.query(SPANS) == spans

    actuator = tape.live.actuator_for(PAYMENT)
    assert actuator is not None
    state = await actuator.state(PAYMENT)
    assert await tape.actuator.state(PAYMENT) == state
    changes = await actuator.changes(PAYMENT, WINDOW)
    assert tuple(await tape.actuator.changes(PAYMENT, WINDOW)) == tuple(changes)
    assert len(changes) == 1


@pytest.mark.parametrize("kind", [SourceUnavailable, SourceRejected])
async def test_a_failure_fails_again_in_the_same_way(kind: type[SourceError]) -> None:
    tape = Tape(memory(kind("no answer", fix="look at it")))
    actuator = tape.live.actuator_for(PAYMENT)
    assert actuator is not None
    for live, played in [
        (lambda: tape.live.metrics.query(METRIC), lambda: tape.metrics.query(METRIC)),
        (lambda: tape.live.logs.query(LOG), lambda: tape.logs.query(LOG)),
        (lambda: tape.spans.query(SPANS), lambda: tape.traces.query(SPANS)),
        (lambda: actuator.state(PAYMENT), lambda: tape.actuator.state(PAYMENT)),
    ]:
        with pytest.raises(kind) as first:
            await live()
        with pytest.raises(kind) as again:
            await played()
        assert (again.value.message, again.value.fix) == (first.value.message, first.value.fix)


async def test_what_was_never_asked_is_refused() -> None:
    tape = Tape(memory())
    for ask in (
        tape.metrics.query(METRIC),
        tape.logs.query(LOG),
        tape.traces.query(SPANS),
        tape.actuator.state(PAYMENT),
        tape.actuator.changes(PAYMENT, WINDOW),
    ):
        with pytest.raises(SourceRejected, match="not recorded"):
            await ask


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"[]", b"7", b'{"answer": {}}', b'{"answer": null}', b'{"error": {}}', b'{"error": 7}', b"\xff"],
)
async def test_a_damaged_recording_is_told(payload: bytes) -> None:
    async def look_up(port: str, key: str) -> bytes | None:
        return payload

    actuator = RecordedActuator(look_up, now=NOON)
    for ask in (
        RecordedMetrics(look_up).query(METRIC),
        RecordedLogs(look_up).query(LOG),
        RecordedTraces(look_up).query(SPANS),
        actuator.state(PAYMENT),
        actuator.changes(PAYMENT, WINDOW),
    ):
        with pytest.raises(BundleError, match="damaged"):
            await ask


async def test_neither_a_recorder_nor_a_recording_acts() -> None:
    tape = Tape(memory())
    recorder = tape.live.actuator_for(PAYMENT)
    assert recorder is not None
    for actuator in (recorder, tape.actuator):
        with pytest.raises(ActuatorError):
            await actuator.run("restart", PAYMENT, {}, "key")
        assert await actuator.observe("restart", PAYMENT, {}, "key", NOON) is None
    assert (await tape.metrics.status()).reachable
    assert recorded.state_key("payment", NOON) != recorded.state_key("payment", NOON + timedelta(seconds=1))
