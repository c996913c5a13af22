"""The cause comes first, with a confidence that means something; noise and gaps name nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta

import numpy as np
import pytest

from analysis.anomalies import detect
from analysis.causes.blame import Charge
from analysis.causes.confidence import Clue, Family, Features
from analysis.causes.conserved import SYMPTOMS
from analysis.causes.ranking import rank
from analysis.causes.suspicion import Suspicion
from analysis.config import AnalysisConfig
from analysis.view import SystemView
from core.models import Change, Diagnosis, FaultKind, Hypothesis, RunState, Signal
from tests.analysis.shop import CONFIG, DEPENDENCIES, END, FAULTS, TRAFFIC, Shop, evidence_ids

EVERY_FAULT = pytest.mark.parametrize(("fault", "service", "kind"), [(k, *v) for k, v in FAULTS.items()])
EVERY_MOMENT = pytest.mark.parametrize(
    ("fault", "service", "kind", "seconds"),
    [
        (fault, *expected, seconds)
        for fault, expected in FAULTS.items()
        for seconds in (2.0, 3.5, 5.0, 6.5)
        if fault != "leak" or seconds >= 5.0  # it takes its time until a trend is told from a step
    ],
)


def diagnose(view: SystemView, config: AnalysisConfig = CONFIG) -> Diagnosis:
    return rank(view, detect(view, config), config)


def cause(diagnosis: Diagnosis) -> Hypothesis:
    assert diagnosis.first is not None, diagnosis.abstained
    return diagnosis.first


@EVERY_MOMENT
@pytest.mark.parametrize("seed", range(3))
def test_the_true_cause_is_first_and_sure(fault: str, service: str, kind: str, seconds: float, seed: int) -> None:
    shop = Shop(seed, fault_seconds=seconds)
    getattr(shop, fault)(service)
    view = shop.view()
    diagnosis = diagnose(view)
    first = cause(diagnosis)
    assert (first.service, first.kind) == (service, kind)
    assert diagnosis.confidence == first.probability >= 0.7
    assert set(first.evidence_for) <= evidence_ids(view)
    assert first.onset is not None
    assert abs((END - first.onset).total_seconds() - seconds) <= 1.5
    callers = {name for name, callees in DEPENDENCIES.items() if service in callees} | {"gateway"}
    suffering = {finding.service for finding in detect(view, CONFIG) if finding.signal in SYMPTOMS}
    assert suffering >= callers or fault == "leak"  # a leak hurts nobody before the limit
    assert callers & suffering <= {ruled_out.service for ruled_out in diagnosis.ruled_out}


@pytest.mark.parametrize("service", ["payment", "cache", "catalogue", "cart", "orders", "gateway"])
@pytest.mark.parametrize("fault", FAULTS)
def test_any_service_can_be_the_cause(fault: str, service: str) -> None:
    shop = Shop()
    getattr(shop, fault)(service)
    first = cause(diagnose(shop.view()))
    assert (first.service, first.kind) == (service, FAULTS[fault][1])
    assert first.probability >= 0.7


@pytest.mark.parametrize("seed", range(20))
def test_a_healthy_shop_is_a_false_alarm(seed: int) -> None:
    diagnosis = diagnose(Shop(seed).view())
    assert [hypothesis.kind for hypothesis in diagnosis.hypotheses] == [FaultKind.FALSE_ALARM]
    assert diagnosis.confidence >= 0.7


def test_without_measurements_it_abstains() -> None:
    diagnosis = diagnose(Shop().view(without=frozenset(Signal)))
    assert diagnosis.first is None
    assert "too little" in diagnosis.abstained


def test_without_the_symptom_measured_it_abstains() -> None:
    shop = Shop()
    shop.values = {key: values for key, values in shop.values.items() if key[0] != "gateway"}
    assert diagnose(shop.view()).first is None


def test_what_is_unusual_but_no_cause_is_no_false_alarm() -> None:
    shop = Shop()
    shop.values["gateway", Signal.TRAFFIC][shop.faulty] = 2.0
    diagnosis = diagnose(shop.view())
    assert diagnosis.first is None
    assert "traffic of gateway" in diagnosis.abstained


@pytest.mark.parametrize(("fault", "service"), [("kill", "payment"), ("suspend", "cache")])
def test_without_an_actuator_the_service_that_is_down_is_still_found(fault: str, service: str) -> None:
    shop = Shop()
    getattr(shop, fault)(service)
    shop.states, shop.changes = {}, []
    first = cause(diagnose(shop.view()))
    assert (first.service, first.kind) == (service, FAULTS[fault][1])
    assert first.probability >= 0.7


@pytest.mark.parametrize(("fault", "service"), [("kill", "payment"), ("suspend", "cache"), ("burn", "catalogue")])
@pytest.mark.parametrize("missing", [{Signal.UP}, {Signal.TRAFFIC}, {Signal.CPU, Signal.MEMORY}, set(Signal)])
def test_missing_metrics_are_made_up_for_by_the_actuator(fault: str, service: str, missing: set[Signal]) -> None:
    shop = Shop()
    getattr(shop, fault)(service)
    first = cause(diagnose(shop.view(without=frozenset(missing))))
    assert (first.service, first.kind) == (service, FAULTS[fault][1])
    assert first.probability >= 0.7


def test_samples_that_end_are_a_weaker_sign_than_up() -> None:
    shop = Shop()
    shop.kill("payment")
    shop.states, shop.changes = {}, []
    with_up, without_up = diagnose(shop.view()), diagnose(shop.view(without=frozenset({Signal.UP})))
    assert cause(with_up).service == cause(without_up).service == "payment"
    assert without_up.confidence < with_up.confidence


def test_a_dependency_that_nobody_observes_is_named_but_not_diagnosed() -> None:
    shop = Shop()
    shop.kill("payment")
    shop.values = {key: values for key, values in shop.values.items() if key[0] != "payment"}
    shop.changes = []
    del shop.states["payment"], shop.lines["payment"]
    first = cause(diagnose(shop.view()))
    assert (first.service, first.kind, first.component) == ("orders", FaultKind.DEPENDENCY_DOWN, "payment")


def test_a_wedged_service_that_is_too_busy_to_be_scraped_is_no_hang() -> None:
    shop = Shop()
    shop.burn("catalogue", scraped=False)
    first = cause(diagnose(shop.view()))
    assert (first.service, first.kind) == ("catalogue", FaultKind.CPU_SATURATION)
    assert first.probability >= 0.7


def test_a_process_that_runs_but_answers_nobody_hangs() -> None:
    shop = Shop()
    shop.suspend("cache")
    shop.set_state("cache", state=RunState.RUNNING)
    first = cause(diagnose(shop.view()))
    assert (first.service, first.kind, first.component) == ("cache", FaultKind.HANG, "up")


def test_a_process_that_was_just_restarted_and_answers_again_does_not_hang() -> None:
    shop = Shop()
    shop.suspend("cache")
    shop.set_state("cache", state=RunState.RUNNING, healthy=True)
    named = {(one.service, one.kind) for one in diagnose(shop.view()).hypotheses}
    assert ("cache", FaultKind.HANG) not in named


@pytest.mark.parametrize("cores", [0.25, 0.4, 0.95])
def test_on_a_crowded_machine_a_burning_process_gets_a_share_of_a_core(cores: float) -> None:
    shop = Shop()
    shop.burn("catalogue")
    shop.values["catalogue", Signal.CPU] = np.where(shop.faulty, cores, 0.015)
    shop.set_state("catalogue", cpu_percent=100 * cores)
    first = cause(diagnose(shop.view()))
    assert (first.service, first.kind) == ("catalogue", FaultKind.CPU_SATURATION)
    assert first.probability >= 0.7


def test_cpu_that_grows_with_traffic_is_no_burning_process() -> None:
    shop = Shop()
    for name in DEPENDENCIES:
        shop.ramp(name, Signal.TRAFFIC, 4 * TRAFFIC[name])
        shop.values[name, Signal.CPU] = np.where(shop.faulty, 0.5, 0.1)
        shop.ramp(name, Signal.LATENCY, 0.4)
    assert FaultKind.CPU_SATURATION not in {one.kind for one in diagnose(shop.view()).hypotheses}


def test_a_process_that_has_just_started_is_not_burning() -> None:
    shop = Shop()
    shop.bad_release("orders")
    shop.values["orders", Signal.CPU] = np.where(shop.faulty, 0.3, 0.01)
    shop.set_state("orders", started_at=END - timedelta(seconds=5))
    assert [one.kind for one in diagnose(shop.view()).hypotheses] == [FaultKind.BAD_RELEASE]


def test_new_errors_in_the_log_after_a_deploy_are_enough_to_suspect_the_release() -> None:
    shop = Shop()
    shop.bad_release("orders")
    shop.values["orders", Signal.ERRORS][shop.faulty] = np.nan
    first = cause(diagnose(shop.view()))
    assert (first.service, first.kind) == ("orders", FaultKind.BAD_RELEASE)
    assert first.probability >= 0.6


@pytest.mark.parametrize("seed", range(5))
def test_neighbours_that_starve_beside_a_burning_process_are_not_blamed(seed: int) -> None:
    shop = Shop(seed)
    shop.burn("catalogue")
    for name in DEPENDENCIES:
        shop.ramp(name, Signal.LATENCY, 0.3)
        shop.ramp(name, Signal.CPU, 0.2)
    shop.values["cart", Signal.UP][-3::2] = 0.0
    first = cause(diagnose(shop.view()))
    assert (first.service, first.kind) == ("catalogue", FaultKind.CPU_SATURATION)
    assert first.probability >= 0.7


@EVERY_FAULT
def test_harmless_deploys_elsewhere_are_ruled_out(fault: str, service: str, kind: str) -> None:
    shop = Shop()
    for other in DEPENDENCIES:
        if other != service:
            shop.deploy(other)
    getattr(shop, fault)(service)
    diagnosis = diagnose(shop.view())
    assert (cause(diagnosis).service, cause(diagnosis).kind) == (service, kind)
    assert diagnosis.confidence >= 0.7
    assert {hypothesis.service for hypothesis in diagnosis.hypotheses} == {service}
    deployed = {one.service: one.reason for one in diagnosis.ruled_out}
    assert "nothing is unusual" in deployed["cache" if service != "cache" else "payment"]


def change_of(kind: str, before: str = "v1", after: str = "v2", seconds: float = 6.0) -> Callable[[Shop], None]:
    """Errors of orders with another change in place of the deploy."""

    def put(shop: Shop) -> None:
        shop.bad_release("orders")
        at = shop.changes[0].at.fromtimestamp(END.timestamp() - seconds, END.tzinfo)
        shop.changes = [Change(service="orders", kind=kind, at=at, before=before, after=after)]

    return put


@pytest.mark.parametrize(
    "change",
    [
        change_of("restart"),
        change_of("start"),
        change_of("deploy", after="v1"),
        change_of("deploy", seconds=2.0),
        change_of("deploy", seconds=CONFIG.change_lookback_seconds + 60),
    ],
    ids=["restart", "start", "same release again", "after the errors", "long ago"],
)
def test_only_a_deploy_of_other_code_before_the_errors_is_a_bad_release(change: Callable[[Shop], None]) -> None:
    shop = Shop()
    change(shop)
    first = cause(diagnose(shop.view()))
    assert (first.service, first.kind) == ("orders", FaultKind.UNKNOWN)
    assert first.probability < 0.7


def test_a_deploy_long_before_the_errors_convinces_less() -> None:
    def confidence(seconds: float) -> float:
        shop = Shop()
        change_of("deploy", seconds=seconds)(shop)
        return diagnose(shop.view()).confidence

    assert confidence(6) > confidence(600) > confidence(1500)


def test_two_faults_at_once_are_both_named_and_neither_is_sure() -> None:
    shop = Shop()
    shop.kill("payment")
    shop.burn("catalogue")
    diagnosis = diagnose(shop.view())
    assert [hypothesis.service for hypothesis in diagnosis.hypotheses] == ["payment", "catalogue"]
    assert diagnosis.confidence < 0.7
    assert sum(hypothesis.probability for hypothesis in diagnosis.hypotheses) <= 1


def test_several_anomalies_beside_the_cause_do_not_hide_it() -> None:
    shop = Shop()
    shop.ramp("cart", Signal.LATENCY, 0.3)
    shop.ramp("cache", Signal.CPU, 0.3)
    shop.ramp("catalogue", Signal.MEMORY, 80e6)
    shop.bad_release("orders")
    diagnosis = diagnose(shop.view())
    assert (cause(diagnosis).service, cause(diagnosis).kind) == ("orders", FaultKind.BAD_RELEASE)
    assert diagnosis.confidence >= 0.7
    quiet = Shop()
    quiet.bad_release("orders")
    assert diagnosis.confidence < diagnose(quiet.view()).confidence


def test_more_requests_than_the_shop_can_take_are_a_surge_where_they_enter() -> None:
    shop = Shop()
    for name in DEPENDENCIES:
        shop.ramp(name, Signal.TRAFFIC, 3 * TRAFFIC[name])
        shop.ramp(name, Signal.LATENCY, 0.4)
    first = cause(diagnose(shop.view()))
    assert (first.service, first.kind) == ("gateway", FaultKind.TRAFFIC_SURGE)


def test_a_cause_that_the_symptom_does_not_need_is_less_sure() -> None:
    def confidence(symptom: str) -> float:
        shop = Shop()
        shop.kill("payment")
        return diagnose(shop.view(symptom)).confidence

    assert confidence("catalogue") < 0.7 <= confidence("gateway")
    assert confidence("") == confidence("gateway")


def test_without_a_graph_the_cause_is_first_but_less_sure() -> None:
    shop = Shop()
    shop.kill("payment")
    known = diagnose(shop.view())
    shop.dependencies = {}
    blind = diagnose(shop.view())
    assert cause(blind).service == "payment"
    assert blind.confidence < known.confidence


def test_services_that_call_each_other_do_not_clear_each_other() -> None:
    shop = Shop()
    shop.dependencies = {**DEPENDENCIES, "payment": ("orders",)}
    shop.kill("payment")
    diagnosis = diagnose(shop.view())
    assert cause(diagnosis).service == "payment"
    assert "orders" in {one.service for one in diagnosis.ruled_out}


def test_a_weak_suspicion_names_nobody() -> None:
    shop = Shop()
    shop.suffer("orders")
    diagnosis = diagnose(shop.view())
    assert diagnosis.first is None
    assert "nothing stands out" in diagnosis.abstained


def test_the_number_of_hypotheses_is_bounded_and_does_not_change_the_first() -> None:
    shop = Shop()
    shop.kill("payment")
    shop.burn("catalogue")
    bounded = diagnose(shop.view(), CONFIG.model_copy(update={"max_hypotheses": 1}))
    assert len(bounded.hypotheses) == 1
    assert bounded.confidence == diagnose(shop.view()).confidence


@EVERY_FAULT
def test_what_a_calibration_is_fitted_on_is_recorded(fault: str, service: str, kind: str) -> None:
    shop = Shop()
    getattr(shop, fault)(service)
    features = diagnose(shop.view()).features
    assert set(features) == {field.name for field in fields(Features)}
    assert features["hard"] == float(fault in ("kill", "exhaust_memory", "suspend"))
    assert features["named"] == 1.0
    assert diagnose(Shop().view()).features == {}


def test_memory_that_grows_at_once_explains_the_processor_and_not_the_other_way_round() -> None:
    shop = Shop()
    shop.burn("catalogue")
    shop.values["catalogue", Signal.MEMORY] = np.where(shop.faulty, 300e6, 40e6)
    first = cause(diagnose(shop.view()))
    assert (first.service, first.kind, first.component) == ("catalogue", FaultKind.MEMORY_LEAK, "memory_metric")


def test_without_any_process_state_the_conserved_quantity_names_the_service() -> None:
    shop = Shop()
    shop.ramp("cart", Signal.ERRORS, 0.055)
    shop.ramp("gateway", Signal.ERRORS, 0.035)
    shop.states, shop.changes, shop.lines = {}, [], {}
    first = cause(diagnose(shop.view()))
    assert (first.service, first.kind) == ("cart", FaultKind.UNKNOWN)
    assert "ev-cart-errors" in first.evidence_for


@pytest.mark.parametrize("ends_agree", [True, False])
def test_two_ends_of_one_slow_way_are_no_rivals(monkeypatch: pytest.MonkeyPatch, ends_agree: bool) -> None:
    def suspected(service: str, component: str, weight: float) -> Charge:
        clue = Clue(Family.EDGES, weight, (f"ev-{service}",))
        return Charge(Suspicion(service, FaultKind.NETWORK_DELAY, component, "slow", (clue,), False), clue.strength)

    other = suspected("payment", "orders -> payment" if ends_agree else "cart -> payment", 0.95)
    both = [suspected("orders", "orders -> payment", 0.9), other]
    monkeypatch.setattr("analysis.causes.ranking.charge", lambda *_: both)
    diagnosis = diagnose(Shop().view())
    assert [one.service for one in diagnosis.hypotheses] == ["payment", "orders"]
    if ends_agree:
        assert (diagnosis.features["contrast"], diagnosis.features["agreement"]) == (1.0, 1.0)
        assert diagnosis.features["rivals"] == 0.0
    else:
        assert diagnosis.features["contrast"] < 0.1
        assert diagnosis.features["rivals"] == 1.0
