"""Known shapes as causes: each named with its kind, and naming what rules suspect."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from analysis.anomalies import detect
from analysis.causes.ranking import rank
from core.frames import LogLine
from core.models import Change, Diagnosis, FaultKind, RunState, Severity, Signal
from tests.analysis.shop import CONFIG, END, Shop, evidence_ids


def diagnose(shop: Shop, symptom: str = "gateway") -> Diagnosis:
    view = shop.view(symptom)
    diagnosis = rank(view, detect(view, CONFIG), CONFIG)
    for hypothesis in diagnosis.hypotheses:
        assert set(hypothesis.evidence_for) <= evidence_ids(view)
    return diagnosis


def say(shop: Shop, service: str, text: str, times: int = 8) -> None:
    at = END - timedelta(seconds=4)
    shop.lines[service] += [
        LogLine(at=at + timedelta(seconds=i / 4), service=service, text=text, severity=Severity.CRITICAL)
        for i in range(times)
    ]


@pytest.mark.parametrize("symptom", ["cache", "gateway"])
@pytest.mark.parametrize("seconds", [5.0, 8.0, 12.0])
def test_a_leak_is_diagnosed_before_the_limit_is_reached(symptom: str, seconds: float) -> None:
    shop = Shop(fault_seconds=seconds)
    shop.leak("cache", bytes_per_second=8e6)
    assert shop.values["cache", Signal.MEMORY][-1] < 160e6
    first = diagnose(shop, symptom).first
    assert first is not None
    assert (first.service, first.kind) == ("cache", FaultKind.MEMORY_LEAK)
    assert first.probability >= 0.6


def test_memory_that_grows_with_its_requests_is_no_leak() -> None:
    shop = Shop(fault_seconds=8)
    shop.leak("cache")
    shop.ramp("cache", Signal.TRAFFIC, 90.0)
    assert FaultKind.MEMORY_LEAK not in {one.kind for one in diagnose(shop).hypotheses}


@pytest.mark.parametrize("seconds", [1.0, 2.0, 3.0])
def test_a_leak_is_one_too_when_requests_become_more_after_it_began(seconds: float) -> None:
    shop = Shop(fault_seconds=12)
    shop.leak("cache", bytes_per_second=5e6)
    for service in ("gateway", "cart", "catalogue", "cache"):
        shop.values[service, Signal.TRAFFIC][shop.times >= END.timestamp() - seconds] *= 1.8
    found = detect(shop.view("gateway"), CONFIG)
    assert any(one.signal is Signal.TRAFFIC and one.service == "cache" for one in found)
    first = diagnose(shop).first
    assert first is not None
    assert (first.service, first.kind) == ("cache", FaultKind.MEMORY_LEAK)


def test_what_ends_again_and_again_is_a_loop_and_no_single_crash() -> None:
    shop = Shop()
    shop.kill("payment")
    for seconds in (60, 40, 20):
        shop.changes.append(Change(service="payment", kind="exit", at=END - timedelta(seconds=seconds)))
    diagnosis = diagnose(shop)
    assert diagnosis.first is not None
    assert (diagnosis.first.service, diagnosis.first.kind) == ("payment", FaultKind.CRASH_LOOP)
    assert FaultKind.CRASH not in {one.kind for one in diagnosis.hypotheses}


def test_a_loop_at_the_limit_of_memory_stays_what_the_kernel_says() -> None:
    shop = Shop()
    shop.exhaust_memory("cache")
    for seconds in (60, 40, 20):
        shop.changes.append(Change(service="cache", kind="exit", at=END - timedelta(seconds=seconds)))
    first = diagnose(shop).first
    assert first is not None
    assert first.kind is FaultKind.MEMORY_LIMIT


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("x509: certificate has expired or is not yet valid", FaultKind.CERTIFICATE),
        ("lookup bank.example: no such host", FaultKind.DNS),
        ("connection pool exhausted", FaultKind.POOL_EXHAUSTED),
        ("write failed: no space left on device", FaultKind.DISK_FULL),
    ],
)
def test_what_a_log_says_names_the_cause_of_bare_failures(text: str, kind: FaultKind) -> None:
    shop = Shop()
    shop.ramp("payment", Signal.ERRORS, 0.6)
    say(shop, "payment", text)
    shop.callers_suffer("payment", failures=4.8, latency=0.0)
    first = diagnose(shop).first
    assert first is not None
    assert (first.service, first.kind) == ("payment", kind)


def test_a_shape_without_a_kind_is_named_in_the_statement() -> None:
    shop = Shop()
    shop.kill("payment")
    shop.values["payment", Signal.UP] = np.where(shop.faulty, np.arange(shop.times.size) % 2, 1.0)
    shop.set_state("payment", state=RunState.EXITED)
    first = diagnose(shop).first
    assert first is not None
    assert first.kind is FaultKind.CRASH
    assert "(flapping" in first.statement


@pytest.mark.parametrize("fate", ["deployed", "halted"])
def test_a_name_that_is_not_found_while_its_service_is_replaced_is_no_fault_of_name_resolution(fate: str) -> None:
    shop = Shop()
    shop.ramp("orders", Signal.ERRORS, 0.6)
    say(shop, "orders", "lookup payment: no such host")
    shop.callers_suffer("orders", failures=4.8, latency=0.0)
    before = diagnose(shop).first
    assert before is not None
    assert (before.service, before.kind) == ("orders", FaultKind.DNS)
    if fate == "deployed":
        shop.changes.append(Change(service="payment", kind="deploy", at=END - timedelta(seconds=5), after="2.0.0"))
    else:
        shop.set_state("payment", state=RunState.EXITED)
    assert FaultKind.DNS not in {one.kind for one in diagnose(shop).hypotheses}
