"""Findings of series, logs and states."""

from __future__ import annotations

import pytest

from analysis.anomalies import coverage, detect
from core.models import Finding, RunState, Shape, Signal
from tests.analysis.shop import CONFIG, END, FAULTS, Shop, evidence_ids


def of(findings: tuple[Finding, ...], service: str, signal: Signal) -> list[Finding]:
    return [finding for finding in findings if (finding.service, finding.signal) == (service, signal)]


@pytest.mark.parametrize("seed", range(20))
def test_a_healthy_shop_has_no_finding(seed: int) -> None:
    assert detect(Shop(seed).view(), CONFIG) == ()


@pytest.mark.parametrize("fault", FAULTS)
def test_findings_cite_evidence_that_exists_and_are_sorted(fault: str) -> None:
    shop = Shop()
    getattr(shop, fault)(FAULTS[fault][0])
    view = shop.view()
    findings = detect(view, CONFIG)
    assert findings
    assert all(finding.evidence and set(finding.evidence) <= evidence_ids(view) for finding in findings)
    magnitudes = [abs(finding.magnitude) for finding in findings]
    assert magnitudes == sorted(magnitudes, reverse=True)


def test_an_exit_is_dated_by_its_record() -> None:
    shop = Shop(fault_seconds=5.2)
    shop.kill("payment")
    (state,) = of(detect(shop.view(), CONFIG), "payment", Signal.STATE)
    assert (END - state.onset).total_seconds() == pytest.approx(5.2)
    assert state.onset_uncertainty_seconds == 0
    assert state.text == "payment is exited (exit code -9)"


def test_a_suspension_is_dated_by_the_fall_of_up() -> None:
    shop = Shop(fault_seconds=5)
    shop.suspend("cache")
    findings = detect(shop.view(), CONFIG)
    (state,), (up,) = of(findings, "cache", Signal.STATE), of(findings, "cache", Signal.UP)
    assert (state.onset, up.shape) == (up.onset, Shape.ABSENT_UP)


def test_a_state_without_metrics_began_somewhere_in_the_window() -> None:
    shop = Shop()
    shop.set_state("cache", state=RunState.SUSPENDED)
    (state,) = of(detect(shop.view(without=frozenset(Signal)), CONFIG), "cache", Signal.STATE)
    assert (state.onset, state.onset_uncertainty_seconds) == (END, CONFIG.window_seconds)


def test_cpu_is_seen_by_the_actuator_when_the_service_is_too_busy_to_be_scraped() -> None:
    shop = Shop()
    shop.burn("catalogue", scraped=False)
    findings = of(detect(shop.view(), CONFIG), "catalogue", Signal.CPU)
    assert {(finding.shape, finding.evidence[0]) for finding in findings} == {
        (Shape.MISSING, "ev-catalogue-cpu"),
        (Shape.LEVEL_SHIFT, "ev-catalogue-state"),
    }


def test_a_service_that_always_uses_a_core_is_not_burning() -> None:
    shop = Shop()
    shop.values["cart", Signal.CPU] += 0.9
    shop.set_state("cart", cpu_percent=98.0)
    assert of(detect(shop.view(), CONFIG), "cart", Signal.CPU) == []


def test_new_error_lines_are_found_and_steady_warnings_are_not() -> None:
    shop = Shop()
    shop.suffer("orders", errors=0.0)
    (found,) = [finding for finding in detect(shop.view(), CONFIG) if finding.signal is Signal.LOGS]
    assert (found.service, found.shape, found.metric) == ("orders", Shape.NEW_LOG, "call failed after <*>")


def test_coverage_is_the_share_of_series_with_a_baseline() -> None:
    shop = Shop()
    assert coverage(shop.view(), CONFIG) == 1.0
    shop.values["cart", Signal.CPU][:-5] = float("nan")
    assert coverage(shop.view(), CONFIG) == pytest.approx(35 / 36, abs=1e-3)
    shop.values["cart", Signal.CPU][:] = float("nan")
    assert coverage(shop.view(), CONFIG) == 1.0, "what is not measured at all is missed by nobody"
    assert coverage(shop.view(without=frozenset(Signal)), CONFIG) == 0.0
