"""Which model stands behind which rung, and what it costs to ask it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import structlog

from app.models.metered import FREE, Metered, Tariff, unpriced
from app.settings import Settings
from clients.models.counting import upper_tokens
from core.clock import Clock
from core.llm import ModelRequest
from core.models import Rung
from core.ports import ChatModel
from core.spending import ModelCall
from stores.store import Store

log = structlog.get_logger(__name__)


def model_rungs(
    clients: Sequence[ChatModel],
    settings: Settings,
    store: Store,
    clock: Clock,
    observe: Callable[[ModelCall], None] = lambda call: None,
) -> Mapping[Rung, ChatModel]:
    """Each client as agents may ask it, by its rung; models without a price are told once, here.

    Args:
        clients: of `app.operations.models.open_models`.
        observe: told every call that ended.
    """
    for model in without_price(settings):
        log.warning("model_without_price", model=model, problem=str(unpriced(model)))
    return {
        client.rung: Metered(
            client, tariff(settings, client.rung), store, clock, settings.budget, settings.privacy, observe
        )
        for client in clients
    }


def without_price(settings: Settings) -> tuple[str, ...]:
    """Models that the frontier rung would ask, had they a price."""
    frontier = settings.models.frontier
    if not frontier.configured:
        return ()
    return tuple(name for name in frontier.choice.named if settings.budget.price(name) is None)


def tariff(settings: Settings, rung: Rung) -> Tariff:
    """What asking the models of a rung costs: nothing on the user's own machines."""
    local = rung is Rung.LOCAL
    section = settings.models.local if local else settings.models.frontier

    def wanted(request: ModelRequest) -> str:
        return section.choice.wanted(request.task, urgent=request.urgent, agent=request.purpose.agent)

    def deadline_seconds(request: ModelRequest) -> float:
        return request.deadline_seconds or section.deadlines[request.task]

    if local:
        return Tariff(wanted, lambda model: FREE, lambda model, request: 0, deadline_seconds)
    return Tariff(wanted, settings.budget.price, upper_tokens, deadline_seconds)
