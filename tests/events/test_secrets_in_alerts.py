"""What senders put into alerts by mistake is not kept in the alert; the identity stays that of the sender."""

from __future__ import annotations

import json

from events.alertmanager import fingerprint, parse

SECRET = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"


def test_secrets_in_labels_and_annotations_are_hidden() -> None:
    labels = {"alertname": "A", "severity": "critical", "job": f"deploy {SECRET}"}
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": f"push with {SECRET} failed", "api_token": "hunter2"},
        "startsAt": "2026-03-03T12:00:00Z",
        "generatorURL": "http://user:hunter2hunter2@prometheus:9090/graph",
    }
    [parsed] = parse(json.dumps({"version": "4", "alerts": [alert]}).encode())
    text = parsed.model_dump_json()
    assert SECRET not in text
    assert "hunter2" not in text
    assert parsed.annotations["summary"].startswith("push with ")
    assert parsed.fingerprint == fingerprint(labels)
