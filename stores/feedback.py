"""Judgements on patterns of alerts, and the alerts that were kept quiet because of them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import case, delete, func, insert, select

from core.models import Alert, AlertPattern, Judgement, PatternRecord, Severity, Suppression
from stores.repository import Repository
from stores.tables import FEEDBACK, SUPPRESSIONS


class Feedback(Repository):
    """One row for each incident and pattern: judged again, the incident's rows are replaced."""

    async def judge(
        self, incident_id: str, patterns: Collection[AlertPattern], judged: Judgement, severity: Severity, by: str
    ) -> None:
        """Keep what a human said of an incident, for each pattern of its alerts.

        Raises:
            Conflict: there is no such incident.
        """
        await self._connection.execute(delete(FEEDBACK).where(FEEDBACK.c.incident_id == incident_id))
        known = {pattern.id: pattern for pattern in patterns}
        rows = [
            {
                "pattern": identity,
                "service": pattern.service,
                "name": pattern.name,
                "shape": pattern.shape,
                "incident_id": incident_id,
                "judged": judged,
                "severity_rank": severity.rank,
                "judged_by": by,
                "judged_at": self._clock.now(),
            }
            for identity, pattern in known.items()
        ]
        if rows:
            await self._connection.execute(insert(FEEDBACK), rows)

    async def record(self, pattern: AlertPattern, since: datetime, severity: Severity) -> PatternRecord:
        """How often the pattern was judged: as a false alarm since then that was at least as severe; as real, ever."""
        of_pattern = FEEDBACK.c.pattern == pattern.id
        severe = (FEEDBACK.c.severity_rank >= severity.rank) & (FEEDBACK.c.judged_at >= since)
        false = (FEEDBACK.c.judged == Judgement.FALSE_ALARM) & severe
        counts = select(
            func.coalesce(func.sum(case((false, 1), else_=0)), 0),
            func.coalesce(func.sum(case((FEEDBACK.c.judged == Judgement.REAL, 1), else_=0)), 0),
        ).where(of_pattern)
        last = (
            select(FEEDBACK.c.judged_by, FEEDBACK.c.judged_at)
            .where(of_pattern)
            .order_by(FEEDBACK.c.judged_at.desc(), FEEDBACK.c.position.desc())
            .limit(1)
        )
        false_alarms, real = (await self._connection.execute(counts)).one()
        newest = (await self._connection.execute(last)).first()
        by, at = newest if newest else ("", None)
        return PatternRecord(false_alarms=false_alarms, real=real, last_by=by, last_at=at)


class Suppressions(Repository):
    """One row for each firing that was kept quiet."""

    async def add(self, alert: Alert, reason: str) -> bool:
        """Note that the alert was kept quiet; heard of again it is counted.

        Returns:
            whether this firing was not on record yet.
        """
        now = self._clock.now()
        key = {"fingerprint": alert.fingerprint, "starts_at": alert.starts_at}
        first = {
            "pattern": AlertPattern.of(alert).id,
            "service": alert.service,
            "name": alert.name,
            "severity": alert.severity,
            "first_at": now,
            "count": 1,
        }
        latest = {"last_at": now, "reason": reason}
        await self._connection.execute(
            self._insert(SUPPRESSIONS)
            .values({**key, **first, **latest})
            .on_conflict_do_update(index_elements=list(key), set_={**latest, "count": SUPPRESSIONS.c.count + 1})
        )
        [stored] = await self._all(Suppression, select(SUPPRESSIONS).filter_by(**key))
        return stored.count == 1

    async def find(self, service: str | None = None, limit: int = 100) -> list[Suppression]:
        """What was kept quiet, last heard of first; of one service only when asked."""
        statement = (
            select(SUPPRESSIONS).order_by(SUPPRESSIONS.c.last_at.desc(), SUPPRESSIONS.c.fingerprint).limit(limit)
        )
        if service is not None:
            statement = statement.where(SUPPRESSIONS.c.service == service)
        return await self._all(Suppression, statement)
