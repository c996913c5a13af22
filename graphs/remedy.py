"""The remedy on the live world: facts, guard rules, executor, verifier."""

from __future__ import annotations

from core.clock import Clock
from core.models import Attempt, Incident, Proposal, Verdict, Verification
from remediation.executor import Executor
from remediation.facts import GuardSettings, read_facts
from remediation.guardrails import judge
from remediation.verification import Verifier
from stores.leases import Lease
from stores.store import Store


class LiveRemedy:
    """`graphs.context.Remedy` against the real services."""

    def __init__(
        self, store: Store, clock: Clock, settings: GuardSettings, executor: Executor, verifier: Verifier
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._executor = executor
        self._verifier = verifier

    async def judge(self, incident: Incident, proposal: Proposal, undo_of: Attempt | None = None) -> Verdict:
        """Facts are read anew for each verdict: evidence grows stale, humans answer, others act."""
        anomalous = await self._verifier.still_anomalous(incident, proposal)
        async with self._store.read() as tx:
            facts = await read_facts(
                tx,
                self._settings,
                incident,
                proposal,
                now=self._clock.now(),
                still_anomalous=anomalous,
                undo_of=undo_of,
            )
        return judge(proposal, facts)

    async def act(self, incident: Incident, proposal: Proposal, lease: Lease, undo_of: str = "") -> Attempt:
        """At most once for a proposal, however often it is called."""
        return await self._executor.execute(incident, proposal, lease, undo_of=undo_of)

    async def verify(self, incident: Incident, attempt: Attempt) -> Verification:
        """The metrics' word."""
        return await self._verifier.verify(incident, attempt)
