"""Which recorded diagnoses are known to have been right or wrong."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.calibration.model import Outcome
from core.models import Attempt, Decision, Diagnosis, FaultKind, Incident, Judgement, Recovery
from stores.store import Tx

PAGE = 500


async def judged_outcomes(tx: Tx) -> list[Outcome]:
    """An outcome for every incident that somebody, or its recovery, has judged; newest first."""
    found: list[Outcome] = []
    before: str | None = None
    while page := await tx.incidents.find(limit=PAGE, before=before):
        before = page[-1].id
        for incident in page:
            decisions = await tx.decisions.of_incident(incident.id)
            outcome = judge_diagnosis(incident, decisions, await tx.attempts.of_incident(incident.id))
            if outcome is not None:
                found.append(outcome)
    return found


def judge_diagnosis(incident: Incident, decisions: Sequence[Decision], attempts: Sequence[Attempt]) -> Outcome | None:
    """Whether the last diagnosis was right: a human's word counts first, then a recovery that followed its action.

    An action that did not help says nothing: the cause may be right and the remedy wrong. Where an action on another
    service healed, the diagnosis was wrong. None when nobody knows.
    """
    diagnosis = _last_diagnosis(decisions)
    if diagnosis is None or diagnosis.first is None or not diagnosis.features:
        return None
    service, kind = diagnosis.first.service, diagnosis.first.kind
    right: bool | None = None
    if incident.judged is Judgement.FALSE_ALARM:
        right = kind is FaultKind.FALSE_ALARM
    elif incident.judged_service or incident.judged_kind:
        right = incident.judged_service in ("", service) and incident.judged_kind in (None, kind)
    elif incident.judged is Judgement.REAL and kind is FaultKind.FALSE_ALARM:
        right = False
    elif healed := [attempt.proposal.service for attempt in attempts if _healed(attempt)]:
        right = service in healed
    if right is None:
        return None
    return Outcome(features=diagnosis.features, right=right, system=service)


def _last_diagnosis(decisions: Sequence[Decision]) -> Diagnosis | None:
    """What the RCA agent said last."""
    said = [decision for decision in decisions if decision.agent == "rca"]
    return Diagnosis.model_validate_json(said[-1].result) if said else None


def _healed(attempt: Attempt) -> bool:
    """Whether an action was followed by a recovery that the metrics show."""
    verification = attempt.verification
    return (
        not attempt.undo_of
        and not attempt.dry_run
        and verification is not None
        and verification.recovery is Recovery.RECOVERED
    )
