"""Alertmanager's webhook, payload version 4.

Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config and, for what the page leaves out, the
structs `webhook.Message` and `template.Data` of Alertmanager.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from core.errors import InvalidInput
from core.models import Alert, AlertStatus, Severity, Utc
from core.redaction import redact, redact_text

SEVERITIES: Mapping[str, Severity] = {
    **dict.fromkeys(("page", "critical", "error", "fatal", "emergency"), Severity.CRITICAL),
    **dict.fromkeys(("warning", "warn"), Severity.WARNING),
    **dict.fromkeys(("info", "none"), Severity.INFO),
}
"""What the label `severity` may say; any other word, or none, is a warning: better looked at than missed."""

_ZERO_TIME = datetime(1, 1, 1, tzinfo=UTC)
_FNV_OFFSET, _FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3
_MAX_PATH_PART = 64


def _plausible(value: datetime) -> datetime:
    """Keep times with which windows can be computed; Go's zero time in `startsAt` means that nobody filled it in."""
    if not 1970 <= value.year < 9999:
        raise ValueError("not a time at which an alert can have started")
    return value


class _Wire(BaseModel):
    """Alertmanager adds fields between releases, so unknown ones are passed over."""

    model_config = ConfigDict(strict=True, frozen=True, alias_generator=to_camel)


class _WireAlert(_Wire):
    status: AlertStatus
    labels: dict[str, str] = Field(min_length=1)
    annotations: dict[str, str] | None = None
    starts_at: Annotated[Utc, AfterValidator(_plausible)]
    ends_at: Utc | None = None
    generator_url: str = Field(default="", alias="generatorURL")
    fingerprint: str = Field(default="", max_length=128)


class _WirePayload(_Wire):
    version: Literal["4"]
    alerts: tuple[_WireAlert, ...]


def fingerprint(labels: Mapping[str, str]) -> str:
    """The identity of a label set: 64-bit FNV-1a in 16 hex digits, as `LabelSet.Fingerprint` of prometheus/common."""
    digest = _FNV_OFFSET
    for name in sorted(labels):
        for byte in b"%b\xff%b\xff" % (name.encode(), labels[name].encode()):
            digest = ((digest ^ byte) * _FNV_PRIME) & 0xFFFFFFFFFFFFFFFF
    return f"{digest:016x}"


def parse(body: bytes) -> tuple[Alert, ...]:
    """The alerts of one notification, in its order.

    Raises:
        InvalidInput: not JSON, not version 4, or a bad field, whose path is named (`alerts[3].startsAt`).
    """
    try:
        payload = _WirePayload.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise InvalidInput(
            first["msg"].removeprefix("Value error, "),
            path=_path(first["loc"]),
            fix="send the webhook payload of Alertmanager, version 4, as UTF-8 JSON",
        ) from None
    return tuple(_alert(wire) for wire in payload.alerts)


def render(alerts: Sequence[Alert]) -> bytes:
    """The inverse of `parse`, for alerts that Quell raises itself; the group fields that nobody reads are left out."""
    rows = [
        {
            "status": alert.status,
            "labels": alert.labels,
            "annotations": alert.annotations,
            "startsAt": alert.starts_at.isoformat(),
            "endsAt": (alert.ends_at or _ZERO_TIME).isoformat(),
            "generatorURL": alert.generator_url,
            "fingerprint": alert.fingerprint,
        }
        for alert in alerts
    ]
    return json.dumps({"version": "4", "alerts": rows}).encode()


def _alert(wire: _WireAlert) -> Alert:
    """The alert without what looks like a secret; its identity is that of the labels as they came."""
    labels = _printable(wire.labels)
    return Alert(
        fingerprint=wire.fingerprint.replace("\0", "\ufffd") or fingerprint(labels),
        status=wire.status,
        name=labels.get("alertname") or "unnamed",
        severity=SEVERITIES.get(labels.get("severity", "").strip().lower(), Severity.WARNING),
        labels=redact(labels),
        annotations=redact(_printable(wire.annotations or {})),
        starts_at=wire.starts_at,
        ends_at=None if wire.ends_at == _ZERO_TIME else wire.ends_at,
        source="alertmanager",
        generator_url=redact_text(wire.generator_url.replace("\0", "\ufffd")),
    )


def _printable(strings: Mapping[str, str]) -> dict[str, str]:
    """PostgreSQL stores no NUL; losing the alert over one would be worse than replacing it."""
    return {key.replace("\0", "\ufffd"): value.replace("\0", "\ufffd") for key, value in strings.items()}


def _path(location: tuple[int | str, ...]) -> str:
    """`("alerts", 3, "startsAt")` as `alerts[3].startsAt`; parts are bounded, as label names come from strangers."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part[:_MAX_PATH_PART]}"
    return path.lstrip(".") or "body"
