"""The remedy on the live world: facts, guard rules, executor, verifier."""

from __future__ import annotations

from remediation.executor import Executor
from remediation.facts import FactsReader
from remediation.verification import Verifier
from stores.leases import Lease

from core.models import Attempt, Incident, Proposal, Verdict, Verification
from remediation.guardrails import judge


class LiveRemedy:
    """Judges, acts and verifies against the real services."""

    def __init__(self, facts: FactsReader, executor: Executor, verifier: Verifier) -> None:
        self._facts = facts
        self._executor = executor
        self._verifier = verifier

    async def judge(self, incident: Incident, proposal: Proposal) -> Verdict:
        """Facts are read anew for each verdict: evidence grows stale, humans answer, others act."""
        return judge(proposal, await self._facts.read(incident, proposal))

    async def act(self, incident: Incident, proposal: Proposal, lease: Lease, undo_of: str = "") -> Attempt:
        """At most once for a proposal, however often it is called."""
        return await self._executor.execute(incident, proposal, lease, undo_of=undo_of)

    async def verify(self, incident: Incident, attempt: Attempt) -> Verification:
        """The metrics' word."""
        return await self._verifier.verify(incident, attempt)
