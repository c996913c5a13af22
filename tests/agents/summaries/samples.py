"""A recorded incident: the demo's crash of `payment`, with the evidence that anything cites."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter

from agents.summaries.record import IncidentRecord

_FILE = Path(__file__).with_name("recorded.json")


def recorded() -> IncidentRecord:
    return TypeAdapter(IncidentRecord).validate_json(_FILE.read_bytes())
