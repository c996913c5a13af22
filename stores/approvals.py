"""Questions to humans."""

from __future__ import annotations

from sqlalchemy import select

from core.errors import Conflict
from core.models import Approval, ApprovalState
from stores.repository import Repository
from stores.tables import APPROVALS


class Approvals(Repository):
    """One question for each incident and proposal."""

    async def request(self, approval: Approval) -> Approval:
        """Ask, or find the question that was asked before with whatever became of it.

        Raises:
            Conflict: there is no such incident.
        """
        await self._insert_new(APPROVALS, dict(approval))
        return await self.for_proposal(approval.incident_id, approval.proposal_hash) or approval

    async def get(self, approval_id: str) -> Approval:
        """The question with that id.

        Raises:
            NotFound: there is none.
        """
        return await self._by_id(Approval, APPROVALS, approval_id)

    async def find(self, state: ApprovalState | None = None, incident: str | None = None) -> list[Approval]:
        """Questions, newest first."""
        wanted = {"state": state, "incident_id": incident}
        conditions = [APPROVALS.c[name] == value for name, value in wanted.items() if value is not None]
        return await self._all(Approval, select(APPROVALS).where(*conditions).order_by(APPROVALS.c.position.desc()))

    async def for_proposal(self, incident_id: str, proposal_hash: str) -> Approval | None:
        """The question about that proposal, None when nobody asked."""
        return await self._first(
            Approval, select(APPROVALS).filter_by(incident_id=incident_id, proposal_hash=proposal_hash)
        )

    async def decide(self, approval_id: str, state: ApprovalState, by: str, note: str = "") -> Approval:
        """Keep the answer; the first one stands.

        Raises:
            NotFound: there is no such question.
            Conflict: it was answered or has expired.
        """
        approval = await self._by_id(Approval, APPROVALS, approval_id, lock=True)
        if approval.state is not ApprovalState.PENDING:
            raise Conflict(
                f"approval {approval_id} is already {approval.state} (by {approval.decided_by or 'nobody'})",
                fix="nothing to do: the first answer stands",
            )
        return await self._update(
            Approval,
            APPROVALS,
            approval_id,
            {"state": state, "decided_by": by, "note": note, "decided_at": self._clock.now()},
        )
