"""What alerts speak of, by their words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.classifier import SPEC, classify
from agents.models import TriageInput
from core.models import Alert, AlertStatus, EscalationReason, Severity


def alert(name: str, severity: Severity = Severity.WARNING, summary: str = "") -> Alert:
    return Alert(
        fingerprint=name or "f",
        status=AlertStatus.FIRING,
        name=name,
        severity=severity,
        annotations={"summary": summary},
        starts_at=datetime(2026, 3, 3, 12, tzinfo=UTC),
        source="test",
    )


@pytest.mark.parametrize(
    ("name", "summary", "category"),
    [
        ("ServiceDown", "", "availability"),
        ("HighErrorRate", "", "errors"),
        ("http_5xx_ratio", "", "errors"),
        ("GatewayP99Latency", "", "latency"),
        ("HTTPRequestsSlow", "", "latency"),
        ("HostCPUHigh", "", "saturation"),
        ("ReplicationLag", "", "data"),
        ("Burn", "requests are failing", "errors"),
        ("Paged", "something odd", "unknown"),
    ],
)
async def test_the_category_follows_from_the_words(name: str, summary: str, category: str) -> None:
    answer = await classify(TriageInput(alerts=(alert(name, summary=summary),), service="gateway"))
    assert answer.result.category == category
    unknown = EscalationReason.UNKNOWN_PATTERN if category == "unknown" else None
    assert SPEC.concern(answer.result) is unknown


async def test_the_worst_severity_counts_and_disagreement_lowers_confidence() -> None:
    alerts = (alert("HighErrorRate"), alert("SlowRequests", Severity.CRITICAL), alert("Error5xx", Severity.INFO))
    mixed = await classify(TriageInput(alerts=alerts, service="gateway"))
    assert (mixed.result.category, mixed.result.severity) == ("errors", Severity.CRITICAL)
    assert mixed.confidence == round(0.5 + 0.5 * 2 / 3, 3)
    assert (await classify(TriageInput(alerts=alerts[:1], service="gateway"))).confidence == 1.0


async def test_without_a_service_it_is_half_as_sure() -> None:
    answer = await classify(TriageInput(alerts=(alert("HighErrorRate"),)))
    assert (answer.result.service, answer.confidence) == ("", 0.5)


@given(names=st.lists(st.text(max_size=50), max_size=5))
async def test_whatever_strangers_write_it_answers(names: list[str]) -> None:
    answer = await classify(TriageInput(alerts=tuple(alert(name) for name in names), service="gateway"))
    assert 0 <= answer.confidence <= 1
