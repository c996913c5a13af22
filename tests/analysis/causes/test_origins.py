"""A change that explains the symptoms stands before the mechanism; what is no change's doing stands by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from analysis.anomalies import detect
from analysis.causes.ranking import rank
from core.frames import LogLine
from core.models import Change, Diagnosis, FaultKind, Severity, Signal
from tests.analysis.changes import diffs
from tests.analysis.shop import CONFIG, END, Shop

SHA = "c" * 40
FULL = "write failed: no space left on device"
CONTENDED = "handler is late: cpu contended, scheduler runqueue is long"
POISON = "record refused: field lat out of range, redelivering offset 17"


def diagnose(shop: Shop) -> Diagnosis:
    view = shop.view()
    return rank(view, detect(view, CONFIG), CONFIG)


def failing(line: str) -> Shop:
    """Orders fails and says why; gateway, which calls it, fails with it."""
    shop = Shop()
    since = shop.times >= shop.fault_at
    for service in ("orders", "gateway"):
        shop.values[service, Signal.ERRORS][since] = 0.5
    for second in range(5):
        at = datetime.fromtimestamp(shop.fault_at + second, UTC)
        shop.lines["orders"].append(LogLine(at=at, service="orders", text=line, severity=Severity.CRITICAL))
    return shop


def change(shop: Shop, text: str, path: str, seconds: float = 6.0) -> None:
    """A commit, deployed to orders shortly before the fault."""
    at = END - timedelta(seconds=seconds)
    shop.changes += [
        Change(service="", kind="commit", at=at, reference=SHA, text=text, paths=(path,)),
        Change(service="orders", kind="deploy", at=at, after="v2", reference=SHA),
    ]


def first(diagnosis: Diagnosis) -> tuple[str, FaultKind, str]:
    assert diagnosis.first is not None, diagnosis.abstained
    return diagnosis.first.service, diagnosis.first.kind, diagnosis.first.component


def test_a_setting_that_fills_the_disk_stands_before_the_full_disk() -> None:
    shop = failing(FULL)
    assert first(diagnose(shop))[:2] == ("orders", FaultKind.DISK_FULL)
    change(shop, diffs.CONFIG, "orders/config.yaml")
    diagnosis = diagnose(shop)
    assert first(diagnosis) == ("orders", FaultKind.BAD_CONFIG, SHA)
    assert diagnosis.first is not None
    assert "fills its disk" in diagnosis.first.statement


def test_a_change_that_has_nothing_to_do_with_it_does_not() -> None:
    shop = failing(FULL)
    change(shop, diffs.HELPER, "orders/handler.go")
    assert first(diagnose(shop))[:2] == ("orders", FaultKind.DISK_FULL)


@pytest.mark.parametrize(
    ("line", "kind"), [(CONTENDED, FaultKind.NOISY_NEIGHBOUR), (POISON, FaultKind.BAD_DATA)], ids=["machine", "data"]
)
def test_what_comes_from_outside_is_no_change(line: str, kind: FaultKind) -> None:
    shop = failing(line)
    change(shop, diffs.REFACTORED, "orders/geo.go")
    assert first(diagnose(shop))[:2] == ("orders", kind)


def test_why_a_change_is_not_suspect_is_told() -> None:
    shop = failing(FULL)
    shop.changes.append(
        Change(service="cart", kind="deploy", at=END - timedelta(seconds=6), after="v9", reference="abc1234")
    )
    told = {one.service: one.reason for one in diagnose(shop).ruled_out}
    assert "abc1234 in release v9" in told["cart"]
    assert "nothing is unusual since" in told["cart"]


def unseen_callee(text: str) -> Shop:
    """Orders fails; it calls pool, which nobody measures and which was just deployed."""
    shop = failing("SetMaxOpenConns reached: call refused")
    shop.dependencies = {**shop.dependencies, "orders": ("payment", "cart", "pool"), "pool": ()}
    at = END - timedelta(seconds=6)
    shop.changes = [
        Change(service="pool", kind="commit", at=at, reference=SHA, text=text, paths=("db.go",)),
        Change(service="pool", kind="deploy", at=at, after="v2", reference=SHA),
    ]
    return shop


def test_a_change_of_a_service_that_nobody_measures_is_judged_by_what_its_callers_show() -> None:
    diagnosis = diagnose(unseen_callee(diffs.POOL))
    assert first(diagnosis) == ("pool", FaultKind.BAD_RELEASE, SHA)
    assert diagnosis.first is not None
    assert "what calls pool fails since" in diagnosis.first.statement


@pytest.mark.parametrize("text", [diffs.HELPER, diffs.STYLE, ""], ids=["helper", "style", "unknown"])
def test_but_only_if_its_diff_explains_that(text: str) -> None:
    assert SHA not in {one.component for one in diagnose(unseen_callee(text)).hypotheses}
