"""Carrying an approved proposal out, once, whatever crashes when.

    reserve    lease checked, attempt and audit entry written in one transaction; takes the lock of the service
    start      lease checked, kill switch read, attempt marked as running
    run        the actuator acts, under the attempt's id as its idempotency key
    finish     lease checked, outcome and audit entry written; gives the lock back

A crash leaves the attempt reserved (nothing was touched: it is started) or running (it may have happened: the actuator
looks, and what cannot be told goes to a human as `unknown`). Write-ahead intent and recovery by observation, as in
Gray & Reuter, Transaction Processing (1993), chapter 10.
"""

from __future__ import annotations

import structlog

from core.clock import Clock
from core.errors import ActuatorError, SourceError, SourceUnavailable
from core.hooks import Hooks
from core.models import ActionOutcome, Attempt, AttemptState, Incident, Proposal, Service, content_id
from core.ports import Actuator
from remediation.facts import kill_switch_on
from remediation.presence import Presence
from stores.leases import Lease
from stores.store import Store, Tx
from tools.inventory import Inventory
from tools.registry import validate_proposal
from tools.sources import Sources

log = structlog.get_logger(__name__)

LOOKS = 20
SECONDS_BETWEEN_LOOKS = 1.0
"""Together longer than a process takes to stop and to become healthy by default."""


class Executor:
    """Runs proposals that the guard has allowed.

    Args:
        dry_run: record what would be done, and do nothing.
    """

    def __init__(
        self, store: Store, sources: Sources, inventory: Inventory, clock: Clock, hooks: Hooks, *, dry_run: bool = False
    ) -> None:
        self._store = store
        self._sources = sources
        self._inventory = inventory
        self._clock = clock
        self._hooks = hooks
        self._presence = Presence(store, clock)
        self._dry_run = dry_run

    async def execute(self, incident: Incident, proposal: Proposal, lease: Lease, undo_of: str = "") -> Attempt:
        """Do it, or continue with the attempt at it that exists; ends in done, failed or unknown.

        Raises:
            InvalidInput: the proposal does not fit the registry or the inventory.
            AlreadyReserved: an action on the service is under way.
            LeaseLost: another worker took the incident over.
        """
        proposal = validate_proposal(proposal, self._inventory)
        attempt = await self._reserve(incident, proposal, lease, undo_of)
        await self._hooks.at("act:reserved", incident.id)
        return await self.reconcile(attempt, lease)

    async def reconcile(self, attempt: Attempt, lease: Lease) -> Attempt:
        """Bring an attempt to its end from wherever it was left; a finished one is returned as it is.

        Raises:
            LeaseLost: another worker took the incident over.
        """
        if attempt.state is AttemptState.RESERVED and attempt.dry_run:
            outcome = ActionOutcome(ok=True, detail=f"dry run: {_what(attempt)} was not run")
            return await self._finish(attempt, lease, AttemptState.DONE, outcome)
        if attempt.state is AttemptState.RESERVED:
            return await self._start(attempt, lease)
        if attempt.state is AttemptState.RUNNING:
            return await self._look(attempt, lease)
        return attempt

    async def _reserve(self, incident: Incident, proposal: Proposal, lease: Lease, undo_of: str) -> Attempt:
        attempt = Attempt(
            id=content_id("att", incident.id, proposal.hash, undo_of),
            incident_id=incident.id,
            proposal=proposal,
            proposal_hash=proposal.hash,
            state=AttemptState.RESERVED,
            reserved_at=self._clock.now(),
            undo_of=undo_of,
            dry_run=self._dry_run,
        )
        async with self._store.write() as tx:
            await tx.leases.check(lease)
            existing = {each.id: each for each in await tx.attempts.of_incident(incident.id)}
            if attempt.id in existing:
                return existing[attempt.id]
            attempt = await tx.attempts.reserve(attempt)
            await _audit(tx, attempt)
        return attempt

    async def _start(self, attempt: Attempt, lease: Lease) -> Attempt:
        async with self._store.write() as tx:
            await tx.leases.check(lease)
            stopped = await kill_switch_on(tx)
            if not stopped:
                running = {"state": AttemptState.RUNNING, "started_at": self._clock.now()}
                attempt = await tx.attempts.update(attempt.id, **running)
        if stopped:
            outcome = ActionOutcome(ok=False, detail=f"the kill switch is on: {_what(attempt)} was not run")
            return await self._finish(attempt, lease, AttemptState.FAILED, outcome)
        await self._hooks.at("act:running", attempt.incident_id)
        return await self._run(attempt, lease)

    async def _run(self, attempt: Attempt, lease: Lease) -> Attempt:
        proposal = attempt.proposal
        try:
            service, actuator = self._target(proposal)
            running = actuator.run(proposal.action, service, proposal.parameters, attempt.id)
            outcome = await self._presence.during(attempt.incident_id, actuator, running)
        except SourceUnavailable as error:
            log.warning("action_unanswered", attempt=attempt.id, action=proposal.action, error=str(error))
            return await self._settle(attempt, lease, await self._happened(attempt), str(error))
        except (ActuatorError, SourceError) as error:
            outcome = ActionOutcome(ok=False, detail=str(error))
        await self._hooks.at("act:ran", attempt.incident_id)
        state = AttemptState.DONE if outcome.ok else AttemptState.FAILED
        return await self._finish(attempt, lease, state, outcome)

    async def _look(self, attempt: Attempt, lease: Lease) -> Attempt:
        """After a crash: what was seen not to have happened is run, under the same key; all else is settled."""
        happened = await self._happened(attempt)
        if happened is False:
            return await self._run(attempt, lease)
        return await self._settle(attempt, lease, happened, "Quell stopped before the answer came")

    async def _settle(self, attempt: Attempt, lease: Lease, happened: bool | None, why: str) -> Attempt:
        """End an attempt whose answer was lost, by what was seen of it."""
        if happened is None:
            state, seen = AttemptState.UNKNOWN, "whether it happened cannot be told"
        elif happened:
            state, seen = AttemptState.DONE, "seen to have happened"
        else:
            state, seen = AttemptState.FAILED, "seen not to have happened"
        outcome = ActionOutcome(ok=state is AttemptState.DONE, detail=f"{seen}: {why}")
        return await self._finish(attempt, lease, state, outcome)

    async def _happened(self, attempt: Attempt) -> bool | None:
        """What the actuator sees of the action; looks again for a while, as it may be under way, or the runtime too."""
        for _ in range(LOOKS):
            seen = await self._observed(attempt)
            if seen is not None:
                return seen
            await self._clock.sleep(SECONDS_BETWEEN_LOOKS)
        return None

    async def _observed(self, attempt: Attempt) -> bool | None:
        proposal = attempt.proposal
        try:
            service, actuator = self._target(proposal)
            looking = actuator.observe(proposal.action, service, proposal.parameters, attempt.id, attempt.reserved_at)
            return await self._presence.during(attempt.incident_id, actuator, looking)
        except (ActuatorError, SourceError) as error:
            log.warning("action_unobservable", attempt=attempt.id, action=proposal.action, error=str(error))
            return None

    async def _finish(self, attempt: Attempt, lease: Lease, state: AttemptState, outcome: ActionOutcome) -> Attempt:
        async with self._store.write() as tx:
            await tx.leases.check(lease)
            attempt = await tx.attempts.update(attempt.id, state=state, outcome=outcome, ended_at=self._clock.now())
            await _audit(tx, attempt)
        await self._hooks.at("act:recorded", attempt.incident_id)
        return attempt

    def _target(self, proposal: Proposal) -> tuple[Service, Actuator]:
        """Who is acted on, and by what.

        Raises:
            ActuatorError: there is no such service, or nothing owns it.
        """
        service = self._inventory.get(proposal.service)
        actuator = self._sources.actuator_for(service) if service else None
        if service is None or actuator is None:
            raise ActuatorError(f"nothing can act on {proposal.service!r}", fix="see `quell services list`")
        return service, actuator


def _what(attempt: Attempt) -> str:
    return f"{attempt.proposal.action} of {attempt.proposal.service}"


async def _audit(tx: Tx, attempt: Attempt) -> None:
    """One entry a transaction that reserves or ends an attempt."""
    detail = {
        "incident": attempt.incident_id,
        "attempt": attempt.id,
        "proposal": attempt.proposal_hash,
        "action": attempt.proposal.action,
        "parameters": ", ".join(f"{name}={value}" for name, value in sorted(attempt.proposal.parameters.items())),
        "undo_of": attempt.undo_of,
        "dry_run": "yes" if attempt.dry_run else "no",
        "outcome": attempt.outcome.detail if attempt.outcome else "",
    }
    await tx.audit.append("quell", f"action.{attempt.state}", attempt.proposal.service, detail)
