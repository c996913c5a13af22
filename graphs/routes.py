"""Which edge is taken: plain functions of the state, each answer one of the labels in the diagram."""

from __future__ import annotations

from collections.abc import Sequence

from core.models import AttemptState, Effect, Ending, Recovery
from core.ports import Recollection
from graphs.state import IncidentState

KNOWN_SIMILARITY = 0.9
"""A past resolution must be at least this similar to skip the diagnosis."""

KNOWN_SUCCESSES = 2
"""... and must have worked at least this often, without a failure."""


def known_issue(recollections: Sequence[Recollection]) -> Recollection | None:
    """The past resolution that is good enough to act on without a new diagnosis, None when there is none."""
    for memory in recollections:
        proven = memory.successes >= KNOWN_SUCCESSES and memory.failures == 0
        if memory.action and proven and memory.similarity >= KNOWN_SIMILARITY:
            return memory
    return None


def after_recall(state: IncidentState) -> str:
    """A known issue goes straight to planning; the guard still reads the metrics before anything is done."""
    return "known" if known_issue(state.get("recollections", ())) else "unknown"


def after_diagnose(state: IncidentState) -> str:
    """A young incident that is not understood is looked at again before anybody is woken."""
    return "look again" if state.get("look_again") else "diagnosed"


def after_plan(state: IncidentState) -> str:
    """Whether there is a proposal to judge."""
    return "proposed" if state.get("plan") else "nothing to propose"


def after_guard(state: IncidentState) -> str:
    """The verdict on the proposal that was chosen; denied when every one was."""
    verdict = state.get("verdict")
    return verdict.effect.value if verdict and state.get("proposal") else Effect.DENY.value


def after_approve(state: IncidentState) -> str:
    """What the human said, if anything in time; an approved proposal is judged again, on fresh facts."""
    return "approved" if state.get("ending") is None else "not approved"


def after_act(state: IncidentState) -> str:
    """What became of the attempt; one of unknown effect, or a dry run, ends the run."""
    attempt = state.get("attempt")
    if attempt is None:
        return "busy"
    if state.get("ending") is not None:
        return "ended"
    return "done" if attempt.state is AttemptState.DONE else "failed"


def after_verify(state: IncidentState) -> str:
    """Only metrics that show recovery count. Where they cannot be read nobody knows: no further action follows."""
    verification = state.get("verification")
    recovery = verification.recovery if verification else Recovery.UNREADABLE
    return "not recovered" if recovery is Recovery.NOT_RECOVERED else "recovered or unreadable"


def after_undo(state: IncidentState) -> str:
    """An undo whose effect is not known leaves a state nobody understands: a human must look."""
    return "ended" if state.get("ending") is Ending.ACTION_UNKNOWN else "try another"
