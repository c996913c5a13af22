"""What language models cost: prices, caps, and one entry in the books for each call."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum

from pydantic import Field

from core.llm import ModelTask
from core.models.base import Model, Rung, Utc

PRICED_TOKENS = 1_000_000
"""Prices are for so many tokens, as their lists are."""

USD_DIGITS = 9
"""Amounts are rounded to nanodollars: a token of the cheapest models costs some tens of them."""


class Price(Model):
    """List price of a model."""

    input_usd: float = Field(ge=0, description="USD for a million tokens of the prompt")
    output_usd: float = Field(ge=0, description="USD for a million tokens of the answer")
    as_of: date | None = Field(default=None, description="day on which that was the price")
    source: str = Field(default="", description="page that said so")

    def usd(self, prompt_tokens: int, output_tokens: int) -> float:
        """What so many tokens cost; discounts for cached prompts are not counted."""
        total = prompt_tokens * self.input_usd + output_tokens * self.output_usd
        return round(total / PRICED_TOKENS, USD_DIGITS)


class Period(StrEnum):
    """What a cap bounds: the calls for one incident, or those of the last hour, day or month."""

    INCIDENT = "incident"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


SPANS: dict[Period, timedelta] = {
    Period.HOUR: timedelta(hours=1),
    Period.DAY: timedelta(days=1),
    Period.MONTH: timedelta(days=30),
}
"""Sliding, so that no full hour or midnight lets twice the cap through."""


class Caps(Model):
    """The most that may be spent, by all processes on one database together."""

    incident_usd: float = Field(default=0.10, ge=0, description="USD for one incident")
    hour_usd: float = Field(default=1.0, ge=0, description="USD in any 60 minutes")
    day_usd: float = Field(default=5.0, ge=0, description="USD in any 24 hours")
    month_usd: float = Field(default=50.0, ge=0, description="USD in any 30 days")

    def of(self, period: Period) -> float:
        """The cap of that period in USD."""
        caps = {
            Period.INCIDENT: self.incident_usd,
            Period.HOUR: self.hour_usd,
            Period.DAY: self.day_usd,
            Period.MONTH: self.month_usd,
        }
        return caps[period]


class CallOutcome(StrEnum):
    """What became of a call."""

    PENDING = "pending"
    ANSWERED = "answered"
    UNAVAILABLE = "unavailable"
    LATE = "late"
    REJECTED = "rejected"
    EXPIRED = "expired"


class ModelCall(Model):
    """One call of a model: reserved at its worst case, settled at what it cost."""

    id: str
    at: Utc
    expires_at: Utc = Field(description="when it counts as expired if nobody settled it: its process died")
    ended_at: Utc | None = None
    rung: Rung
    model: str = Field(description="the one that answered; until then the one that was wanted")
    task: ModelTask
    agent: str
    incident_id: str = Field(default="", description="empty for calls outside any incident")
    service: str = ""
    user: str = ""
    outcome: CallOutcome = CallOutcome.PENDING
    prompt_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)
    reserved_usd: float = Field(ge=0, description="the worst case")
    cost_usd: float = Field(ge=0, description="what counts: the worst case until the call is settled, or for ever")
    seconds: float = Field(default=0.0, ge=0)


class CostBy(StrEnum):
    """What costs are summed by."""

    CALL = "call"
    INCIDENT = "incident"
    SERVICE = "service"
    USER = "user"
    AGENT = "agent"
    TASK = "task"
    MODEL = "model"
    RUNG = "rung"
    DAY = "day"


class CostRow(Model):
    """Calls that belong together."""

    key: str = Field(description="of the incident, service, ... or the day in UTC; empty where it was not said")
    calls: int
    answered: int
    prompt_tokens: int
    output_tokens: int
    cost_usd: float
    pending_usd: float = Field(default=0.0, description="part of the cost: the worst case of calls under way")


class Spent(Model):
    """How much of a cap is gone."""

    period: Period
    cap_usd: float
    spent_usd: float
