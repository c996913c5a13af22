"""Queries: bounded digests, errors as evidence, and views that recordings reproduce exactly."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from analysis.view import SystemView
from clients.recorded import RecordedActuator, RecordedLogs, RecordedMetrics, RecordedTraces
from core.changes import ChangePage, ChangeQuery
from core.errors import InvalidInput, SourceRejected, SourceUnavailable
from core.models import Change, Evidence, EvidenceKind, Identity, Service
from core.ports import SourceStatus
from stores.recordings import Recording
from tests.tools import world
from tests.tools.world import NOON, SHOP, Logs, Metrics, Processes, Traces, failing_since, healthy, lines
from tools.inventory import Inventory
from tools.registry import QUERIES
from tools.runner import Looked, gather, load_view, look, run_query
from tools.sources import Sources

ERRORS = {"service": "payment", "signal": "errors"}


@pytest.fixture
def metrics() -> Metrics:
    """Everything calm but payment, which has failed for half a minute."""
    memory = Metrics()
    for job in ("gateway", "orders", "payment"):
        healthy(memory, job)
    failing_since(memory, "payment", NOON - timedelta(seconds=30))
    return memory


@pytest.fixture
def sources(metrics: Metrics) -> Sources:
    """The memory sources, with a deploy of payment, some lines, and calls of payment by orders."""
    deploy = Change(
        service="payment", kind="deploy", at=NOON - timedelta(minutes=10), actor="ci", before="1", after="2"
    )
    spoken = lines("payment", 30, "charge {} failed", start=NOON - timedelta(seconds=50), seconds=50)
    started = [NOON - timedelta(seconds=6 * index + 3) for index in reversed(range(50))]
    spans = [
        each
        for index, start in enumerate(started)
        for each in world.called("orders", "payment", index, start, wait=0.03, work=0.02)
    ]
    return Sources(metrics, Logs(spoken), (Processes([deploy]),), Traces(spans))


def played_back(looked: list[Looked]) -> Sources:
    """Sources that know nothing but the recordings."""
    calls: dict[tuple[str, str], Recording] = {}
    for _, recordings in looked:
        for call in recordings:
            calls.setdefault((call.port, call.key), call)

    async def look_up(port: str, key: str) -> bytes | None:
        call = calls.get((port, key))
        return call.payload if call else None

    actuator = RecordedActuator(look_up, now=NOON)
    return Sources(RecordedMetrics(look_up), RecordedLogs(look_up), (actuator,), RecordedTraces(look_up))


def told(view: SystemView) -> list[object]:
    """A view in values that compare: arrays as bytes, so that NaN equals itself."""
    signals = [
        (f.service, f.signal, f.metric, f.unit, f.times.tobytes(), f.values.tobytes(), f.evidence) for f in view.signals
    ]
    return [replace(view, signals=()), signals]


async def test_errors_are_the_share_of_requests_that_failed(sources: Sources) -> None:
    seen = await look("metric_digest", ERRORS, world.context(sources))
    (row,) = seen.evidence.digest.series
    assert (row.current, row.baseline) == (0.5, 0.0)
    assert row.onset is not None
    assert abs((row.onset - (NOON - timedelta(seconds=30))).total_seconds()) <= 5
    assert seen.evidence.subject == "payment"
    assert seen.evidence.kind is EvidenceKind.METRIC


async def test_no_failure_ever_is_zero_and_no_traffic_is_no_sample(metrics: Metrics, sources: Sources) -> None:
    calm = await look("metric_digest", {"service": "orders", "signal": "errors"}, world.context(sources))
    assert np.all(calm.raw.values == 0.0)
    metrics.has("orders", "http_requests_total", world.steady(0.0), function="rate")
    silent = await look("metric_digest", {"service": "orders", "signal": "errors"}, world.context(sources))
    assert np.all(np.isnan(silent.raw.values))
    assert silent.evidence.digest.series[0].samples == 0


async def test_the_first_label_that_selects_anything_counts(metrics: Metrics, sources: Sources) -> None:
    metrics.has("orders", "http_requests_total", world.steady(5.0), function="rate", pattern="status=5..")
    seen = await look("metric_digest", {"service": "orders", "signal": "errors"}, world.context(sources))
    assert np.all(seen.raw.values == 0.25)


async def test_an_unknown_series_has_no_samples(metrics: Metrics, sources: Sources) -> None:
    del metrics.series[("payment", "process_resident_memory_bytes", "raw", "")]
    seen = await look("metric_digest", {"service": "payment", "signal": "memory"}, world.context(sources))
    assert seen.evidence.error == ""
    assert "no samples" in seen.evidence.digest.summary


@pytest.mark.parametrize(
    ("tool", "parameters"),
    [
        ("metric_digest", ERRORS),
        ("log_digest", {"service": "payment"}),
        ("service_state", {"service": "payment"}),
        ("trace_digest", {"service": "payment"}),
    ],
)
async def test_a_source_that_does_not_answer_is_evidence_too(tool: str, parameters: dict[str, str]) -> None:
    failure = SourceUnavailable("connection refused", fix="start it")
    broken = Sources(
        Metrics(failure=failure), Logs(failure=failure), (Processes(failure=failure),), Traces(failure=failure)
    )
    evidence, calls = await run_query(tool, parameters, world.context(broken))
    assert evidence.error == "connection refused (start it)"
    assert [call.evidence_id for call in calls] == [evidence.id]


async def test_a_service_that_nothing_sees_is_told_with_its_fix() -> None:
    inventory = Inventory([Service(name="alone", identity=Identity())])
    asked = world.context(Sources(Metrics(), Logs(), (Processes(),)), inventory=inventory)
    for tool, parameters in [
        ("service_state", {"service": "alone"}),
        ("recent_changes", {"service": "alone"}),
        ("metric_digest", {"service": "alone", "signal": "up"}),
    ]:
        evidence, _ = await run_query(tool, parameters, asked)
        assert "alone" in evidence.error, tool
        assert "identity" in evidence.error, tool


@pytest.mark.parametrize(
    ("tool", "parameters", "path"),
    [
        ("drop_tables", {}, "name"),
        ("metric_digest", {"service": "payment", "signal": "vibes"}, "parameters.signal"),
        ("metric_digest", {"service": "payment"}, "parameters.signal"),
        ("metric_digest", {"service": "payment", "signal": "logs"}, "signal"),
        ("log_digest", {"service": "nobody"}, "service"),
        ("active_alerts", {"service": "payment"}, "parameters.service"),
    ],
)
async def test_a_wrong_question_names_the_path(
    sources: Sources, tool: str, parameters: dict[str, str], path: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await run_query(tool, parameters, world.context(sources))
    assert caught.value.path == path


async def test_the_same_question_has_the_same_id(sources: Sources) -> None:
    first, _ = await run_query("metric_digest", ERRORS, world.context(sources))
    again, _ = await run_query("metric_digest", dict(reversed(ERRORS.items())), world.context(sources))
    later, _ = await run_query("metric_digest", ERRORS, world.context(sources, now=NOON + timedelta(seconds=5)))
    assert first.id == again.id
    assert later.id != first.id


async def test_digests_stay_bounded_whatever_the_source_returns(metrics: Metrics) -> None:
    words = [f"{chr(97 + a)}{chr(97 + b)}{chr(97 + c)}" for a in range(10) for b in range(10) for c in range(10)]
    flood = [
        line
        for word in words
        for line in lines("payment", 20, f"{word * 40} said {{}}", start=NOON - timedelta(seconds=50), seconds=40)
    ]
    changes = [
        Change(service="payment", kind="config", at=NOON - timedelta(seconds=index), detail="x" * 5000)
        for index in range(1, 900)
    ]
    asked = world.context(Sources(metrics, Logs(sorted(flood, key=lambda line: line.at)), (Processes(changes),)))
    for tool in ("log_digest", "recent_changes"):
        evidence, _ = await run_query(tool, {"service": "payment"}, asked)
        assert evidence.digest.tokens <= asked.analysis.max_digest_tokens, tool
        assert evidence.digest.omitted > 0, tool
        assert len(evidence.digest.model_dump_json()) < 6 * asked.analysis.max_digest_tokens, tool


async def test_a_log_that_is_too_long_says_so_and_hands_over_the_cursor(metrics: Metrics) -> None:
    flood = lines("payment", 20_005, "ping {}", start=NOON - timedelta(seconds=50), seconds=40)
    asked = world.context(Sources(metrics, Logs(flood), (Processes(),)))
    evidence, calls = await run_query("log_digest", {"service": "payment"}, asked)
    assert evidence.digest.cursor == "20000"
    assert "not read" in evidence.digest.summary
    assert len(calls) == 5


async def test_the_facts_of_state_changes_topology_and_alerts(sources: Sources) -> None:
    asked = world.context(sources)
    state, _ = await run_query("service_state", {"service": "payment"}, asked)
    assert ("state", "running") in [(fact.name, fact.value) for fact in state.digest.facts]
    changes, _ = await run_query("recent_changes", {"service": "payment"}, asked)
    assert [(fact.name, fact.value) for fact in changes.digest.facts] == [("deploy", "1 -> 2, by ci")]
    topology, _ = await run_query("service_topology", {"service": "orders"}, asked)
    assert [(fact.subject, fact.value) for fact in topology.digest.facts] == [
        ("orders", "payment"),
        ("payment", "nothing"),
        ("gateway", "orders"),
    ]
    alerts, _ = await run_query("active_alerts", {}, asked)
    assert alerts.digest.facts[0].value == "HighErrors: requests fail"


async def test_gather_asks_everything_in_a_stable_order(sources: Sources) -> None:
    looked = await gather(world.context(sources), SHOP.neighbourhood("gateway"))
    tools = [evidence.tool for evidence, _ in looked]
    assert set(tools) == set(QUERIES)
    assert len(looked) == 2 + 3 * (7 + 4)
    again = await gather(world.context(sources), SHOP.neighbourhood("gateway"))
    assert [evidence.id for evidence, _ in looked] == [evidence.id for evidence, _ in again]


async def test_without_a_trace_source_nobody_asks_for_spans(sources: Sources) -> None:
    looked = await gather(world.context(replace(sources, traces=None)), SHOP.neighbourhood("gateway"))
    assert {evidence.tool for evidence, _ in looked} == set(QUERIES) - {"trace_digest"}
    evidence, calls = await run_query(
        "trace_digest", {"service": "payment"}, world.context(replace(sources, traces=None))
    )
    assert "/v1/traces" in evidence.error
    assert calls == []


async def test_gather_refuses_an_unknown_service(sources: Sources) -> None:
    with pytest.raises(InvalidInput):
        await gather(world.context(sources), ["gateway", "nobody"])


async def test_recordings_reproduce_the_view_and_the_evidence_exactly(sources: Sources) -> None:
    services = SHOP.neighbourhood("gateway")
    live_context = world.context(sources)
    looked = await gather(live_context, services)
    evidence = [each for each, _ in looked]
    offline = replace(live_context, sources=played_back(looked))

    view = await load_view(evidence, offline, "gateway")
    assert len(view.signals) == 21
    assert {state.state.service for state in view.states} == set(services)
    assert [change.change.after for change in view.changes] == ["2"]
    assert {frame.service: len(frame.window) for frame in view.traces} == {"gateway": 0, "orders": 20, "payment": 10}
    assert {frame.evidence for frame in view.traces} <= {each.id for each in evidence}
    assert view.dependencies["gateway"] == ("orders",)
    assert view.topology_evidence in {each.id for each in evidence if each.kind is EvidenceKind.TOPOLOGY}
    assert view.alert_evidence in {each.id for each in evidence if each.kind is EvidenceKind.ALERT}

    gathered_again = await gather(offline, services)
    assert [each.model_copy(update={"source": ""}) for each, _ in gathered_again] == [
        each.model_copy(update={"source": ""}) for each in evidence
    ]
    assert [calls for _, calls in gathered_again] == [calls for _, calls in looked]
    assert told(await load_view(evidence, offline, "gateway")) == told(view)


async def test_the_recorded_view_is_the_live_view(metrics: Metrics) -> None:
    fixed = Sources(metrics, Logs(), ())
    live_context = world.context(fixed)
    looked = await gather(live_context, ["payment"])
    evidence = [each for each, _ in looked]
    offline = replace(live_context, sources=played_back(looked))
    assert told(await load_view(evidence, live_context, "payment")) == told(
        await load_view(evidence, offline, "payment")
    )


async def test_evidence_of_another_window_or_with_an_error_adds_nothing(sources: Sources) -> None:
    now = world.context(sources)
    later = world.context(sources, now=NOON + timedelta(minutes=5))
    other, _ = await run_query("metric_digest", ERRORS, later)
    broken = Evidence.model_validate(
        {**(await run_query("metric_digest", ERRORS, now))[0].model_dump(), "error": "gone"}
    )
    view = await load_view([other, broken], now, "payment")
    assert view.signals == ()


async def test_what_was_not_recorded_is_refused(sources: Sources) -> None:
    evidence, _ = await run_query("metric_digest", ERRORS, world.context(sources))
    offline = replace(world.context(sources), sources=played_back([]))
    with pytest.raises(SourceRejected, match="not recorded"):
        await load_view([evidence], offline, "payment")


class Reported:
    """A source of changes from memory."""

    name = "memory"

    def __init__(self, *changes: Change, unanswered: tuple[str, ...] = ()) -> None:
        self.page = ChangePage(changes=changes, unanswered=unanswered)

    async def query(self, query: ChangeQuery) -> ChangePage:
        return self.page

    async def status(self) -> SourceStatus:
        return SourceStatus(name=self.name, configured=True, reachable=True)


def told_change(minutes: float, kind: str = "deploy", service: str = "payment", **fields: str) -> Change:
    at = NOON - timedelta(minutes=minutes)
    return Change(service=service, kind=kind, at=at, source="report", **fields)


async def test_what_was_reported_is_joined_with_what_the_actuator_saw(sources: Sources) -> None:
    commit, other = "a" * 40, "b" * 40
    reports = Reported(
        told_change(11, after="2", reference=commit[:8]),
        told_change(30, "commit", "", reference=commit, detail="a smaller pool"),
        told_change(30, "commit", "", reference=other, detail="of somebody else"),
        told_change(5, "flag", reference="new_cart", after="on"),
        unanswered=("git /src: gone",),
    )
    asked = world.context(replace(sources, changes=reports))
    seen = await look("recent_changes", {"service": "payment"}, asked)
    found = [(one.kind, one.before, one.after, one.reference) for one in seen.raw.found]
    assert found == [
        ("commit", "", "", commit),
        ("deploy", "1", "2", commit[:8]),
        ("flag", "", "on", "new_cart"),
    ]
    facts = seen.evidence.digest.facts
    assert (facts[0].name, facts[0].value) == ("unanswered", "git /src: gone")
    assert "a smaller pool" in facts[-1].value
    assert {call.port for call in seen.calls} == {"changes", "reported"}


async def test_reports_count_where_no_actuator_sees_the_service(sources: Sources) -> None:
    silent = Sources(sources.metrics, sources.logs, changes=Reported(told_change(5)))
    seen = await look("recent_changes", {"service": "payment"}, world.context(silent))
    assert len(seen.raw.found) == 1
    assert "nothing sees" in seen.raw.unanswered[0]
    nobody = Sources(sources.metrics, sources.logs, changes=Reported())
    evidence, _ = await run_query("recent_changes", {"service": "payment"}, world.context(nobody))
    assert "nothing sees" in evidence.error
