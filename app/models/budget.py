"""The `budget` section of quell.yaml: what models cost, and how much may be spent."""

from __future__ import annotations

import re
from datetime import date

from pydantic import Field, field_validator

from core.spending import Caps, Price

OPENAI_PRICES_PAGE = "https://platform.openai.com/docs/pricing"
OPENAI_PRICES_AS_OF = date(2026, 4, 1)


def _openai(input_usd: float, output_usd: float) -> Price:
    return Price(input_usd=input_usd, output_usd=output_usd, as_of=OPENAI_PRICES_AS_OF, source=OPENAI_PRICES_PAGE)


PRICES: dict[str, Price] = {
    "gpt-4o": _openai(2.50, 10.00),
    "gpt-4o-2024-05-13": _openai(5.00, 15.00),
    "gpt-4o-mini": _openai(0.15, 0.60),
    "gpt-4.1": _openai(2.00, 8.00),
    "gpt-4.1-mini": _openai(0.40, 1.60),
    "gpt-4.1-nano": _openai(0.10, 0.40),
}
"""List prices of the standard tier. A dated snapshot of a model costs what the model costs, unless it stands here."""

_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")


class BudgetSettings(Caps):
    """What language models may cost. Models of the `local` rung cost nothing."""

    prices: dict[str, Price] = Field(
        default=PRICES,
        description="model of the frontier rung -> its price; one without is not asked; over the defaults",
    )

    @field_validator("prices")
    @classmethod
    def _over_the_defaults(cls, given: dict[str, Price]) -> dict[str, Price]:
        return {**PRICES, **given}

    def price(self, model: str) -> Price | None:
        """The price of a model or of the model that it is a dated snapshot of; None when nobody said it."""
        return self.prices.get(model) or self.prices.get(_SNAPSHOT.sub("", model))
