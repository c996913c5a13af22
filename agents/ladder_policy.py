"""When an answer is enough: plain functions that return a named reason to climb, or none."""

from __future__ import annotations

from pydantic import Field

from core.models import EscalationReason, Model, Rung, Severity


class LadderPolicy(Model):
    """When an answer is enough."""

    sure: float = Field(default=0.7, ge=0, le=1, description="where a model can be asked: an answer below it climbs")
    critical_sure: float = Field(
        default=0.9, ge=0, le=1, description="critical incidents: below it the frontier is asked, too"
    )
    min_confidence: float = Field(
        default=0.6,
        ge=0,
        le=1,
        description="where no model can be asked: an answer below it is one for a human; below it nobody disagrees",
    )
    critical_confidence: float = Field(default=0.7, ge=0, le=1, description="the same for critical incidents")

    def why_human(
        self, confidence: float, severity: Severity, concern: EscalationReason | None
    ) -> EscalationReason | None:
        """Where no model can be asked: why a human should see the answer, None when it is enough."""
        if concern is not None:
            return concern
        if confidence < self.min_confidence:
            return EscalationReason.LOW_CONFIDENCE
        if severity is Severity.CRITICAL and confidence < self.critical_confidence:
            return EscalationReason.CRITICAL_SEVERITY
        return None

    def why_climb(
        self,
        rung: Rung,
        confidence: float,
        *,
        critical: bool,
        concern: EscalationReason | None = None,
        disagrees: bool = False,
    ) -> EscalationReason | None:
        """Where a model can be asked: why the next rung is, None when the answer is enough.

        Args:
            critical: the incident is critical, and something is done on this answer.
            disagrees: most of those below, who had an opinion, said another thing.
        """
        if disagrees:
            return EscalationReason.RUNGS_DISAGREE
        if concern is not None:
            return concern
        if confidence < self.sure:
            return EscalationReason.LOW_CONFIDENCE
        if critical and (rung is Rung.RULES or (rung is Rung.LOCAL and confidence < self.critical_sure)):
            return EscalationReason.CRITICAL_SEVERITY
        return None
