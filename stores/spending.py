"""The books of the language models: reserve before a call, settle after it.

A reservation counts at its worst case from the moment it is made, and at what it cost once it is settled. One whose
process died is never settled: after its `expires_at` it is marked expired and stays at its worst case, as nobody knows
what the server billed. A writer holds the lock of all processes from the start of its transaction (`stores.engine`), so
that what a reservation was checked against cannot change before it is kept.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Label, and_, case, func, insert, literal, select, update

from core.errors import OverBudget
from core.spending import SPANS, USD_DIGITS, CallOutcome, Caps, CostBy, CostRow, ModelCall, Period
from stores.repository import Repository
from stores.tables import INCIDENTS, MODEL_CALLS

_C = MODEL_CALLS.c
_KEYS: dict[CostBy, ColumnElement[str]] = {
    CostBy.CALL: _C.id,
    CostBy.INCIDENT: _C.incident_id,
    CostBy.SERVICE: _C.service,
    CostBy.USER: _C.user,
    CostBy.AGENT: _C.agent,
    CostBy.TASK: _C.task,
    CostBy.MODEL: _C.model,
    CostBy.RUNG: _C.rung,
    CostBy.DAY: _C.day,
}


class Spending(Repository):
    """Calls of models, each with what it costs."""

    async def reserve(self, call: ModelCall, caps: Caps) -> None:
        """Book the worst case of a call that is about to be made; a call that costs nothing always fits.

        Raises:
            OverBudget: it does not fit what is left of a cap; nothing is booked.
        """
        await self._expire()
        if call.reserved_usd > 0:
            spent = await self.spent(call.incident_id)
            for period, usd in spent.items():
                if round(usd + call.reserved_usd, USD_DIGITS) > caps.of(period):
                    raise _over(call, period, usd, caps.of(period))
        row = {**dict(call), "day": call.at.astimezone(UTC).date().isoformat()}
        await self._connection.execute(insert(MODEL_CALLS).values(row))

    async def settle(self, call: ModelCall) -> None:
        """Put what a call cost in place of its worst case, also when it had expired; its incident is told."""
        names = ("ended_at", "model", "outcome", "prompt_tokens", "output_tokens", "cost_usd", "seconds")
        ended = {name: getattr(call, name) for name in names}
        await self._connection.execute(update(MODEL_CALLS).where(_C.id == call.id).values(ended))
        await self._book(call.incident_id)

    async def spent(self, incident_id: str = "") -> dict[Period, float]:
        """What counts now in USD, by period; of the incident only when one is named."""
        now = self._clock.now()
        sums = [func.sum(case((_C.at > now - span, _C.cost_usd), else_=0.0)) for span in SPANS.values()]
        longest = now - max(SPANS.values())
        row = (await self._connection.execute(select(*sums).where(_C.at > longest, _C.cost_usd > 0))).one()
        found = {period: round(usd or 0.0, USD_DIGITS) for period, usd in zip(SPANS, row, strict=True)}
        if incident_id:
            found = {Period.INCIDENT: await self._sum(_C.incident_id == incident_id), **found}
        return found

    async def of_incident(self, incident_id: str) -> list[ModelCall]:
        """The incident's calls, oldest first."""
        statement = select(MODEL_CALLS).where(_C.incident_id == incident_id)
        return await self._all(ModelCall, statement.order_by(_C.position))

    async def calls(self, since: datetime | None = None, limit: int = 100) -> list[ModelCall]:
        """The newest calls, newest first."""
        statement = select(MODEL_CALLS).where(*_since(since))
        return await self._all(ModelCall, statement.order_by(_C.position.desc()).limit(limit))

    async def costs(self, by: CostBy, since: datetime | None = None, limit: int = 100) -> list[CostRow]:
        """Sums of calls, the dearest first; days: the newest first."""
        key = _KEYS[by].label("key")
        order = [key.desc()] if by is CostBy.DAY else [func.sum(_C.cost_usd).desc(), func.count().desc(), key]
        statement = select(key, *_sums(self._clock.now())).where(*_since(since)).group_by(key)
        return [_tidy(row) for row in await self._all(CostRow, statement.order_by(*order).limit(limit))]

    async def total(self, since: datetime | None = None) -> CostRow:
        """All calls together."""
        sums = select(literal("").label("key"), *_sums(self._clock.now()))
        row = await self._first(CostRow, sums.where(*_since(since)))
        assert row is not None  # noqa: S101  # sums without groups give one row
        return _tidy(row)

    async def _expire(self) -> None:
        """Mark the reservations of dead processes; they stay at their worst case."""
        now = self._clock.now()
        stale = (_C.outcome == CallOutcome.PENDING, _C.expires_at <= now)
        ended = update(MODEL_CALLS).where(*stale).values(outcome=CallOutcome.EXPIRED, ended_at=now)
        for incident_id in set(await self._connection.scalars(ended.returning(_C.incident_id))):
            await self._book(incident_id)

    async def _book(self, incident_id: str) -> None:
        """Keep with the incident what its calls cost; one that is not in this store has no row to change."""
        if incident_id:
            usd = await self._sum(_C.incident_id == incident_id, _C.outcome != CallOutcome.PENDING)
            await self._connection.execute(update(INCIDENTS).where(INCIDENTS.c.id == incident_id).values(cost_usd=usd))

    async def _sum(self, *conditions: ColumnElement[bool]) -> float:
        found = await self._connection.scalar(select(func.sum(_C.cost_usd)).where(*conditions))
        return round(found or 0.0, USD_DIGITS)


def _sums(now: datetime) -> tuple[Label[Any], ...]:
    """What `CostRow` holds besides its key; a call of a dead process is not under way, marked or not."""
    under_way = and_(_C.outcome == CallOutcome.PENDING, _C.expires_at > now)
    sums = {
        "answered": case((_C.outcome == CallOutcome.ANSWERED, 1), else_=0),
        "prompt_tokens": _C.prompt_tokens,
        "output_tokens": _C.output_tokens,
        "cost_usd": _C.cost_usd,
        "pending_usd": case((under_way, _C.cost_usd), else_=0.0),
    }
    return func.count().label("calls"), *(func.coalesce(func.sum(of), 0).label(name) for name, of in sums.items())


def _since(since: datetime | None) -> tuple[ColumnElement[bool], ...]:
    return () if since is None else (_C.at >= since,)


def _tidy(row: CostRow) -> CostRow:
    """Without what adding binary fractions leaves behind."""
    rounded = {name: round(getattr(row, name), USD_DIGITS) for name in ("cost_usd", "pending_usd")}
    return row.model_copy(update=rounded)


def _over(call: ModelCall, period: Period, spent_usd: float, cap_usd: float) -> OverBudget:
    what = f"incident {call.incident_id}" if period is Period.INCIDENT else f"the last {period}"
    later = "" if period is Period.INCIDENT else ", or wait"
    return OverBudget(
        f"a call of {call.model} may cost {call.reserved_usd:.4f} USD, and {spent_usd:.4f} of the {cap_usd:g} USD"
        f" for {what} are spent",
        fix=f"raise budget.{period}_usd{later}; `quell costs` tells what was spent",
    )
