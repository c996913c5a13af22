"""Follows one incident through Quell's API, tells each step once, and plays the human who is asked."""

from __future__ import annotations

from collections.abc import Callable

from app.operations.approvals import approve, list_approvals, reject
from app.operations.incidents import list_incidents, show_incident
from app.operations.outputs import IncidentDetail
from app.operations.remote import Remote
from core.models import LIVE, ApprovalState, Attempt, AttemptState, Diagnosis, Evidence, IncidentStatus, Verdict
from drills.moments import Phase
from drills.scenario import Approver

Tell = Callable[[Phase, str, tuple[str, ...]], None]

_APPROVER = "drill"


class Follower:
    """What is known so far of the first incident after the fault.

    Args:
        known: ids of the incidents before the fault.
        tell: called once for each new step.
    """

    def __init__(self, remote: Remote, approver: Approver, known: frozenset[str], tell: Tell) -> None:
        self._remote = remote
        self._approver = approver
        self._known = known
        self._tell = tell
        self._told: set[str] = set()
        self.detail: IncidentDetail | None = None

    @property
    def diagnosis(self) -> Diagnosis | None:
        """The latest diagnosis."""
        if self.detail is None:
            return None
        results = [decision.result for decision in self.detail.decisions if decision.agent == "rca"]
        return Diagnosis.model_validate_json(results[-1]) if results else None

    @property
    def acted(self) -> bool:
        """Whether an action has ended."""
        attempts = self.detail.actions if self.detail else ()
        return any(attempt.state in (AttemptState.DONE, AttemptState.FAILED) for attempt in attempts)

    @property
    def ended(self) -> bool:
        """Whether Quell has done what it will do, or waits for a human whom the scenario does not have."""
        if self.detail is None:
            return False
        status = self.detail.incident.status
        unanswered = status is IncidentStatus.AWAITING_APPROVAL and self._approver is Approver.NONE
        return status not in LIVE or unanswered

    async def look(self) -> None:
        """Ask Quell, tell what is new, answer what it asks.

        Raises:
            QuellError: the API does not answer, or refuses.
        """
        if self.detail is None:
            listed = await self._remote.call(list_incidents)
            new = [incident for incident in listed.incidents if incident.id not in self._known]
            if not new:
                return
            self.detail = await self._remote.call(show_incident, incident_id=new[-1].id)
        else:
            self.detail = await self._remote.call(show_incident, incident_id=self.detail.incident.id)
        self._tell_news(self.detail)
        if self.detail.incident.status is IncidentStatus.AWAITING_APPROVAL:
            await self._answer(self.detail.incident.id)

    async def _answer(self, incident_id: str) -> None:
        if self._approver is Approver.NONE:
            return
        answer = approve if self._approver is Approver.APPROVE else reject
        asked = await self._remote.call(list_approvals, state=ApprovalState.PENDING, incident=incident_id)
        for question in asked.approvals:
            await self._remote.call(answer, approval_id=question.id, by=_APPROVER, note="as the scenario says")
            proposal = question.proposal
            self._once(question.id, Phase.APPROVAL, f"{answer.name} {proposal.action} {proposal.service}")

    def _tell_news(self, detail: IncidentDetail) -> None:
        incident = detail.incident
        alerts = tuple(f"{alert.name} {alert.severity} ({alert.source})" for alert in detail.alerts)
        self._once("noticed", Phase.NOTICED, f"{incident.id}: {incident.title}", alerts)
        for decision in detail.decisions:
            if decision.agent == "rca":
                diagnosis = Diagnosis.model_validate_json(decision.result)
                self._once(decision.id, Phase.DIAGNOSIS, *_diagnosed(diagnosis, detail.evidence))
            elif decision.agent == "guard":
                verdict = Verdict.model_validate_json(decision.result)
                reasons = tuple(f"{r.rule}: {r.effect} {r.detail}".rstrip() for r in verdict.reasons)
                self._once(decision.id, Phase.VERDICT, f"{verdict.effect} by {verdict.deciding.rule}", reasons)
        for attempt in detail.actions:
            self._tell_attempt(attempt)
        if self.ended:
            self._once("ended", Phase.ENDED, f"{incident.status}: {incident.outcome}")

    def _tell_attempt(self, attempt: Attempt) -> None:
        named = f"{attempt.proposal.action} {attempt.proposal.service}"
        if attempt.outcome is not None:
            undo = "undo: " if attempt.undo_of else ""
            self._once(attempt.id, Phase.ACTION, f"{undo}{named}: {attempt.state}, {attempt.outcome.detail}")
        if attempt.verification is not None:
            text = f"{attempt.verification.recovery} after {named}: {attempt.verification.detail}"
            self._once(f"{attempt.id}:verified", Phase.VERIFICATION, text)

    def _once(self, key: str, phase: Phase, text: str, details: tuple[str, ...] = ()) -> None:
        if key not in self._told:
            self._told.add(key)
            self._tell(phase, text, details)


def _diagnosed(diagnosis: Diagnosis, evidence: tuple[Evidence, ...]) -> tuple[str, tuple[str, ...]]:
    """The first hypothesis and a line for each evidence that it cites, or why there is none."""
    first = diagnosis.first
    if first is None:
        return f"no cause named: {diagnosis.abstained}", ()
    by_id = {item.id: item for item in evidence}
    cited = tuple(f"{key}: {by_id[key].digest.summary}" for key in first.evidence_for if key in by_id)
    return f"{first.service}: {first.kind} ({first.probability:.0%}). {first.statement}", cited
