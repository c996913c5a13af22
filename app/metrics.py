"""Quell's own metrics, `quell_*`, in a registry of their own.

Names and units follow https://prometheus.io/docs/practices/naming/. Requests, steps and calls are counted as they
happen; what the store knows (incidents, inbox, approvals, spending) is read from it at each scrape, so that several
processes agree.
"""

from __future__ import annotations

from collections import Counter as Counted
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from core.models import ATTENTION, ApprovalState, Escalation
from core.spending import CallOutcome, ModelCall
from remediation.facts import kill_switch_on
from stores.store import Store

OPEN_LIMIT = 10_000
"""More open incidents than this are counted as this many."""


class Metrics:
    """All metrics of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "quell_http_requests", "API requests", ("method", "route", "code"), registry=self._registry
        )
        self._request_seconds = Histogram(
            "quell_http_request_duration_seconds", "Time to answer", ("route",), registry=self._registry
        )
        self._node_seconds = Histogram(
            "quell_node_duration_seconds", "Time a step of an incident takes", ("node",), registry=self._registry
        )
        self._calls = Counter(
            "quell_model_calls",
            "Calls of language models that ended",
            ("agent", "rung", "model", "outcome"),
            registry=self._registry,
        )
        self._cost = Counter(
            "quell_model_cost_usd", "What calls of language models cost", ("rung", "model"), registry=self._registry
        )
        self._tokens = Counter(
            "quell_model_tokens",
            "Tokens of prompts and answers, as servers counted them",
            ("rung", "model", "of"),
            registry=self._registry,
        )
        self._call_seconds = Histogram(
            "quell_model_call_duration_seconds", "Time to answer", ("rung", "model"), registry=self._registry
        )
        self._escalations = Counter(
            "quell_escalations",
            "Steps up the ladder",
            ("agent", "from_rung", "to_rung", "reason"),
            registry=self._registry,
        )
        self._spent = Gauge(
            "quell_model_spent_usd",
            "Spent on language models in the last hour, day (24 h) and month (30 d), by all processes",
            ("period",),
            registry=self._registry,
        )
        self._incidents = Gauge(
            "quell_incidents_open", "Incidents that have not ended, by status", ("status",), registry=self._registry
        )
        self._inbox = Gauge("quell_inbox_items", "Webhook bodies by state", ("state",), registry=self._registry)
        self._approvals = Gauge("quell_approvals_pending", "Questions that wait for a human", registry=self._registry)
        self._stopped = Gauge("quell_actions_stopped", "1 while the kill switch is on", registry=self._registry)
        build = Gauge("quell_build_info", "Always 1; the version is a label", ("version",), registry=self._registry)
        build.labels(version("quell")).set(1)

    def observe_request(self, method: str, route: str, code: int, seconds: float) -> None:
        """Count one answered request; `route` is the pattern, not the path, so that series stay few."""
        self._requests.labels(method, route, str(code)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def observe_node(self, node: str, seconds: float) -> None:
        """Count one step of an incident's graph."""
        self._node_seconds.labels(node).observe(seconds)

    def observe_call(self, call: ModelCall) -> None:
        """Count one call of a model that ended."""
        model = (call.rung.value, call.model)
        self._calls.labels(call.agent, *model, call.outcome.value).inc()
        self._cost.labels(*model).inc(call.cost_usd)
        self._tokens.labels(*model, "prompt").inc(call.prompt_tokens)
        self._tokens.labels(*model, "answer").inc(call.output_tokens)
        if call.outcome is CallOutcome.ANSWERED:
            self._call_seconds.labels(*model).observe(call.seconds)

    def observe_escalation(self, agent: str, step: Escalation) -> None:
        """Count one step up the ladder."""
        self._escalations.labels(agent, step.from_rung.value, step.to_rung.value, step.reason.value).inc()

    async def exposition(self, store: Store) -> bytes:
        """The page that Prometheus scrapes (text format 0.0.4).

        Raises:
            StoreError: the store does not answer.
        """
        async with store.read() as tx:
            incidents = Counted(each.status for each in await tx.incidents.find(ATTENTION, limit=OPEN_LIMIT))
            inbox = await tx.inbox.counts()
            pending = await tx.approvals.find(state=ApprovalState.PENDING)
            stopped = await kill_switch_on(tx)
            spent = await tx.spending.spent()
        for status in ATTENTION:
            self._incidents.labels(status.value).set(incidents[status])
        for state, count in inbox.items():
            self._inbox.labels(state).set(count)
        for period, usd in spent.items():
            self._spent.labels(period.value).set(usd)
        self._approvals.set(len(pending))
        self._stopped.set(stopped)
        return generate_latest(self._registry)
