"""The parser of Alertmanager's webhook: every field of a real payload, and nothing but InvalidInput otherwise."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.models import Alert, AlertStatus, Severity
from events.alertmanager import fingerprint, parse, render
from tests.events.payloads import body, wire_alert

FIELDS = ("status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_every_field_of_a_real_payload_is_read() -> None:
    (alert,) = parse(body(wire_alert(fingerprint="0123456789abcdef")))
    assert alert == Alert(
        fingerprint="0123456789abcdef",
        status=AlertStatus.FIRING,
        name="ErrorRate",
        severity=Severity.CRITICAL,
        labels={"alertname": "ErrorRate", "service": "gateway", "severity": "critical"},
        annotations={"summary": "a third of all requests fail"},
        starts_at=datetime(2026, 3, 3, 11, 59, 30, 123456, tzinfo=UTC),
        ends_at=None,
        source="alertmanager",
        generator_url="http://prometheus:9090/graph?g0.expr=up",
    )


def test_a_resolved_alert_keeps_its_end() -> None:
    (alert,) = parse(body(wire_alert(resolved_at="2026-03-03T13:00:00+01:00")))
    assert (alert.status, alert.ends_at) == (AlertStatus.RESOLVED, datetime(2026, 3, 3, 12, 0, tzinfo=UTC))


def test_alerts_keep_their_order_and_unknown_fields_are_passed_over() -> None:
    alerts = parse(body(wire_alert("B"), wire_alert("A", novel={"deep": [1]}), novel=1, truncatedAlerts=7))
    assert [alert.name for alert in alerts] == ["B", "A"]


def test_a_notification_whose_alerts_were_all_cut_off_is_no_error() -> None:
    assert parse(body(truncatedAlerts=3)) == ()


@pytest.mark.parametrize(
    ("label", "severity"),
    [
        ("page", Severity.CRITICAL),
        ("critical", Severity.CRITICAL),
        ("error", Severity.CRITICAL),
        (" Critical ", Severity.CRITICAL),
        ("warning", Severity.WARNING),
        ("info", Severity.INFO),
        ("none", Severity.INFO),
        ("P7", Severity.WARNING),
        ("", Severity.WARNING),
    ],
)
def test_severity_words_are_mapped(label: str, severity: Severity) -> None:
    assert parse(body(wire_alert(severity=label)))[0].severity is severity


def test_without_severity_it_is_a_warning_and_without_a_name_it_is_unnamed() -> None:
    (alert,) = parse(body(wire_alert() | {"labels": {"job": "gateway"}}))
    assert (alert.severity, alert.name) == (Severity.WARNING, "unnamed")


def test_a_missing_fingerprint_follows_from_the_labels_alone() -> None:
    one, same, other = parse(
        body(wire_alert(), wire_alert(annotations=None, starts_at="2026-03-03T12:00:00Z"), wire_alert("Other"))
    )
    assert one.fingerprint == same.fingerprint != other.fingerprint


def test_a_fingerprint_tells_label_sets_apart() -> None:
    # That it is also Alertmanager's own is checked against a real one in tests/integration.
    assert fingerprint({"a": "b", "c": "d"}) == fingerprint({"c": "d", "a": "b"})
    assert fingerprint({"a": "bc"}) != fingerprint({"ab": "c"})


@pytest.mark.parametrize(
    ("broken", "path"),
    [
        (b"", "body"),
        (b"\xff\xfe{}", "body"),
        (b"alerts=1", "body"),
        (b"[" * 100_000, "body"),
        (b'{"alerts":' * 50_000, "body"),
        (b"[]", "body"),
        (b"{}", "version"),
        (body(wire_alert(), version="3"), "version"),
        (body().replace(b'"alerts": []', b'"alerts": {}'), "alerts"),
        (body(wire_alert(), wire_alert(), wire_alert(), wire_alert(starts_at="yesterday")), "alerts[3].startsAt"),
        (body(wire_alert(starts_at="2026-03-03T12:00:00")), "alerts[0].startsAt"),
        (body(wire_alert(starts_at="0001-01-01T00:00:00Z")), "alerts[0].startsAt"),
        (body(wire_alert(startsAt=1772539200)), "alerts[0].startsAt"),
        (body(wire_alert(endsAt="0001-01-01T00:00:00+09:00")), "alerts[0].endsAt"),
        (body(wire_alert(status="broken")), "alerts[0].status"),
        (body(wire_alert(labels={})), "alerts[0].labels"),
        (body(wire_alert(labels={"a": 1})), "alerts[0].labels.a"),
        (body(wire_alert(labels={"x" * 500: 1})), f"alerts[0].labels.{'x' * 64}"),
        (body(wire_alert(generatorURL=None)), "alerts[0].generatorURL"),
        (body(wire_alert(fingerprint="f" * 129)), "alerts[0].fingerprint"),
    ],
)
def test_a_bad_field_is_named_by_its_path(broken: bytes, path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(broken)
    assert caught.value.path == path
    assert caught.value.fix
    assert len(str(caught.value)) < 500


def test_nul_bytes_cost_no_alert() -> None:
    (alert,) = parse(body(wire_alert("a\0b", annotations={"x": "\0"})))
    assert (alert.name, alert.annotations) == ("a\ufffdb", {"x": "\ufffd"})


@given(st.binary(max_size=300) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_read_or_refused(data: bytes) -> None:
    survives(data)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, json_values)))
def test_any_alert_is_read_or_refused(fields: dict[str, Any]) -> None:
    survives(body(wire_alert() | fields))


@given(st.datetimes(), st.sampled_from(["Z", "", "+14:00", "-12:00"]), st.sampled_from(["startsAt", "endsAt"]))
def test_any_time_is_read_or_refused(at: datetime, zone: str, field: str) -> None:
    survives(body(wire_alert() | {field: at.isoformat() + zone}))


def survives(data: bytes) -> None:
    """Parse; whatever comes out can be written and used in arithmetic with windows."""
    try:
        alerts = parse(data)
    except InvalidInput:
        return
    for alert in alerts:
        alert.model_dump_json()
        assert alert.starts_at - timedelta(days=1) < alert.starts_at + timedelta(days=1)


@given(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), st.just("x"), min_size=1),
    st.datetimes(datetime(1970, 1, 2), datetime(9998, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - zones are added
    st.booleans(),
)
def test_what_is_rendered_parses_back(labels: dict[str, str], at: datetime, resolved: bool) -> None:
    labels = {name.replace("\0", ""): value for name, value in labels.items()} | {"alertname": "A"}
    alert = Alert(
        fingerprint=fingerprint(labels),
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        name="A",
        severity=Severity.WARNING,
        labels=labels,
        starts_at=at,
        ends_at=at if resolved else None,
        source="alertmanager",
    )
    assert parse(render([alert])) == (alert,)
