"""What the incident graph remembers between nodes, and how a checkpoint is checked before it is trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import InstanceOf, StrictBool, StrictInt, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from core.errors import StateInvalid
from core.models import (
    Alert,
    Attempt,
    Diagnosis,
    Ending,
    Finding,
    Incident,
    Proposal,
    Triage,
    Verdict,
    Verification,
    Window,
)
from core.ports import Recollection

T = TypeVar("T")


def joined(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    """Reducer: what a node that runs twice adds again counts once; the order of first mention is kept."""
    return tuple(dict.fromkeys((*old, *new)))


class IncidentState(TypedDict, total=False):
    """One incident's run. Every value is a frozen model, an id or a number: it survives the checkpointer.

    Models must come back as what they were (``InstanceOf``); tuples come back as lists, which is as good.
    """

    incident: InstanceOf[Incident]
    alerts: tuple[InstanceOf[Alert], ...]
    window: InstanceOf[Window]
    baseline: InstanceOf[Window]
    scope: tuple[str, ...]
    triage: InstanceOf[Triage]
    recollections: tuple[InstanceOf[Recollection], ...]
    evidence: Annotated[tuple[str, ...], joined]
    findings: tuple[InstanceOf[Finding], ...]
    diagnosis: InstanceOf[Diagnosis]
    unsure: str
    plan: tuple[InstanceOf[Proposal], ...]
    plan_reason: str
    looks: StrictInt
    look_again: StrictBool
    round: StrictInt
    tried: Annotated[tuple[str, ...], joined]
    proposal: InstanceOf[Proposal] | None
    verdict: InstanceOf[Verdict] | None
    attempt: InstanceOf[Attempt] | None
    verification: InstanceOf[Verification] | None
    ending: InstanceOf[Ending] | None
    ending_detail: str


_ADAPTER: TypeAdapter[IncidentState] = TypeAdapter(IncidentState)


def validate_state(values: Mapping[str, Any]) -> None:
    """Check that a checkpoint holds this program's models and nothing else.

    Raises:
        StateInvalid: a value is missing its type (an unknown model comes back as a dict) or is not of this version.
    """
    try:
        _ADAPTER.validate_python(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StateInvalid(
            f"the checkpoint does not fit this version at {where}: {first['msg']}",
            fix="a human must take this incident over; start it anew with the alert when it still fires",
        ) from error


def chosen(state: IncidentState) -> Proposal:
    """The proposal that the guard let through.

    Raises:
        StateInvalid: there is none, although a node that needs it was reached.
    """
    return _required(state.get("proposal"), "proposal")


def attempted(state: IncidentState) -> Attempt:
    """The newest attempt.

    Raises:
        StateInvalid: there is none, although a node that needs it was reached.
    """
    return _required(state.get("attempt"), "attempt")


def _required(value: T | None, name: str) -> T:
    if value is None:
        raise StateInvalid(f"the state has no {name} where one is needed", fix="a human must take this incident over")
    return value
