"""The remedy on the live world: facts, guard rules, executor, verifier."""

from __future__ import annotations

import structlog

from core.clock import Clock
from core.models import Attempt, Effect, Incident, Proposal, Verdict, Verification
from remediation.executor import Executor
from remediation.facts import GuardSettings, read_facts
from remediation.guardrails import judge
from remediation.verification import Verifier
from stores.leases import Lease
from stores.store import Store

log = structlog.get_logger(__name__)


class LiveRemedy:
    """`graphs.context.Remedy` against the real services."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        settings: GuardSettings,
        executor: Executor,
        verifier: Verifier,
        *,
        poll_seconds: float,
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._executor = executor
        self._verifier = verifier
        self._poll_seconds = poll_seconds

    async def judge(self, incident: Incident, proposal: Proposal, undo_of: Attempt | None = None) -> Verdict:
        """Facts are read anew for each verdict: evidence grows stale, humans answer, others act.

        While the metrics' source is away nothing is done on the word of evidence from before: the answer is waited
        for, until the evidence is too old and the guard denies. A signal that merely has no samples is not waited for,
        unless it was the source that had none to give. An undo does not wait.
        """
        away = False
        while True:
            present = await self._verifier.present(incident, proposal)
            away = away or present.source_away
            verdict = await self._verdict(incident, proposal, undo_of, present.anomalous)
            blind = away and present.anomalous is None and undo_of is None
            if not blind or verdict.effect is Effect.DENY:
                return verdict
            log.warning("metrics_away_before_action", action=proposal.action, service=proposal.service)
            await self._clock.sleep(self._poll_seconds)

    async def _verdict(
        self, incident: Incident, proposal: Proposal, undo_of: Attempt | None, still_anomalous: bool | None
    ) -> Verdict:
        async with self._store.read() as tx:
            facts = await read_facts(
                tx,
                self._settings,
                incident,
                proposal,
                now=self._clock.now(),
                still_anomalous=still_anomalous,
                undo_of=undo_of,
            )
        return judge(proposal, facts)

    async def act(self, incident: Incident, proposal: Proposal, lease: Lease, undo_of: str = "") -> Attempt:
        """At most once for a proposal, however often it is called."""
        return await self._executor.execute(incident, proposal, lease, undo_of=undo_of)

    async def verify(self, incident: Incident, attempt: Attempt) -> Verification:
        """The metrics' word."""
        return await self._verifier.verify(incident, attempt)
