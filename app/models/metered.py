"""A model that is asked only if policy and budget allow it, and whose every call is in the books."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from agents.data_policy import DataPolicy, may_leave
from app.models.budget import BudgetSettings
from core.clock import Clock
from core.errors import DataStays, ModelLate, ModelUnavailable, OverBudget, SourceError, StoreError
from core.llm import ModelReply, ModelRequest
from core.models import Rung
from core.ports import ChatModel, SourceStatus
from core.spending import CallOutcome, ModelCall, Price
from stores.store import Store

log = structlog.get_logger(__name__)

GRACE_SECONDS = 60.0
"""After its deadline a call has so long to be settled before it counts as that of a dead process."""

FREE = Price(input_usd=0.0, output_usd=0.0)


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a rung's servers do with a request, as far as money goes.

    Attributes:
        wanted: the model that a request is meant for.
        price: of that model; None: unknown.
        prompt_tokens: an upper bound of what that model's server will count.
        deadline_seconds: when at the latest a request has ended.
    """

    wanted: Callable[[ModelRequest], str]
    price: Callable[[str], Price | None]
    prompt_tokens: Callable[[str, ModelRequest], int]
    deadline_seconds: Callable[[ModelRequest], float]


class Metered:
    """`core.ports.ChatModel` around another one.

    Args:
        observe: told every call that ended, also those that were cancelled.
    """

    def __init__(
        self,
        model: ChatModel,
        tariff: Tariff,
        store: Store,
        clock: Clock,
        budget: BudgetSettings,
        policy: DataPolicy,
        observe: Callable[[ModelCall], None] = lambda call: None,
    ) -> None:
        self.rung: Rung = model.rung
        self._model = model
        self._tariff = tariff
        self._store = store
        self._clock = clock
        self._budget = budget
        self._policy = policy
        self._observe = observe

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Answer once, with its cost; raises as `core.ports.ChatModel.complete`.

        Errors tell what the call cost all the same.

        Raises:
            DataStays, OverBudget: nothing was sent.
            StoreError: the books cannot be read: nothing was sent.
        """
        if why := may_leave(self._policy, self.rung, (request.purpose.service,)):
            raise DataStays(why, fix=f"change privacy.{self.rung}, or leave it to a human")
        call, price = self._planned(request)
        async with self._store.write() as tx:
            await tx.spending.reserve(call, self._budget)
        try:
            reply = await self._model.complete(request)
        except SourceError as error:
            error.cost_usd = call.reserved_usd if error.billed else 0.0
            await self._settle(call, outcome=_outcome(error), cost_usd=error.cost_usd)
            raise
        except BaseException:  # cancelled, or a bug: nobody knows what was billed, so it expires at its worst case
            self._observe(call.model_copy(update={"outcome": CallOutcome.EXPIRED}))
            raise
        cost = price.usd(reply.prompt_tokens, reply.output_tokens)
        await self._settle(
            call,
            outcome=CallOutcome.ANSWERED,
            cost_usd=cost,
            model=reply.model,
            prompt_tokens=reply.prompt_tokens,
            output_tokens=reply.output_tokens,
            seconds=reply.seconds,
        )
        return reply.model_copy(update={"cost_usd": cost})

    async def status(self) -> SourceStatus:
        """As the model's own."""
        return await self._model.status()

    def _planned(self, request: ModelRequest) -> tuple[ModelCall, Price]:
        """The call at its worst case: every token of the prompt, and as long an answer as is allowed."""
        model = self._tariff.wanted(request)
        price = self._tariff.price(model)
        if price is None:
            raise unpriced(model)
        now = self._clock.now()
        open_seconds = self._tariff.deadline_seconds(request) + GRACE_SECONDS
        worst = price.usd(self._tariff.prompt_tokens(model, request), request.max_output_tokens)
        call = ModelCall(
            id=f"call_{uuid.uuid4().hex}",
            at=now,
            expires_at=now + timedelta(seconds=open_seconds),
            rung=self.rung,
            model=model,
            task=request.task,
            agent=request.purpose.agent,
            incident_id=request.purpose.incident_id,
            service=request.purpose.service,
            user=request.purpose.user,
            reserved_usd=worst,
            cost_usd=worst,
        )
        return call, price

    async def _settle(self, call: ModelCall, **ended: object) -> None:
        """Books that cannot be written do not cost the answer: the call stays at its worst case."""
        settled = call.model_copy(update={"ended_at": self._clock.now(), **ended})
        self._observe(settled)
        try:
            async with self._store.write() as tx:
                await tx.spending.settle(settled)
        except StoreError as error:
            log.warning("model_call_not_settled", call=call.id, worst_usd=call.reserved_usd, error=error.message)


def unpriced(model: str) -> OverBudget:
    """A model whose price nobody said is not asked: it may cost anything."""
    return OverBudget(
        f"no price is known of {model}, so it is not asked",
        fix=f'set budget.prices: {{"{model}": {{input_usd: ..., output_usd: ...}}}}, 0 if it costs nothing',
    )


def _outcome(error: SourceError) -> CallOutcome:
    if isinstance(error, ModelLate):
        return CallOutcome.LATE
    return CallOutcome.UNAVAILABLE if isinstance(error, ModelUnavailable) else CallOutcome.REJECTED
