"""`quell bench prompts`: what models are shown of 10,000,000 log lines, 50,000 series and 500 containers.

Every incident runs through the incident graph, read-only, with models that answer by the schema and nothing else.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from agents.ladder_policy import LadderPolicy
from analysis.calibration.shipped import shipped
from analysis.config import AnalysisConfig
from bench.prompts.crowd import Crowd
from bench.prompts.listener import Listener
from bench.result import BenchOptions, BenchResult, Case, figure
from core.clock import ManualClock
from core.models import Alert, AlertStatus, Rung, Severity
from core.ports import ChatModel, NullKnowledge
from graphs.context import IncidentContext, NoNotifier
from graphs.investigation import Investigation, investigate
from graphs.scratch import ObservingRemedy
from stores.leases import Lease
from stores.store import Store
from tools.signals import DEFAULT_SIGNALS

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
CONTAINERS, SERIES, LINES = 500, 100, 20_000
LARGEST_TOKENS, INVESTIGATION_TOKENS = 6_000, 12_000

PAGE_LINES = 250
"""Most that the log server gives at once. A page of 5,000 shows models the same number of tokens, within a tenth
(`tests/bench/prompts`), and takes minutes: every line is searched for secrets."""

SYMPTOMS = (401, 408, 415, 422, 429, 436, 443, 449)
"""Containers that raise the alert, two layers above the bottom: each calls three others and is called by some."""

TOP = 5
"""One at the top: 50 containers are looked at, the most that an investigation looks at."""

CONFIDENCE = 0.9
"""Of the models, by their own word."""

LOOKS = (("metric_digest", "log_digest"),)
"""What a model usually asks for before it answers."""

EVERYTHING = 5 * (("log_digest", "recent_changes", "service_state", "service_topology"),)
"""What a model asks for that never has enough."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the models of one investigation were shown.

    Attributes:
        prompts: agent and tokens of each prompt.
        total: tokens of prompts and answers.
    """

    symptom: str
    prompts: tuple[tuple[str, int], ...]
    total: int
    found: Investigation

    @property
    def largest(self) -> int:
        """Tokens of the largest prompt; 0 when no model was asked."""
        return max((size for _, size in self.prompts), default=0)


def run(options: BenchOptions) -> BenchResult:
    """Measure usual incidents, and two with models that want to see everything."""
    crowd = Crowd(NOW, CONTAINERS, SERIES, LINES, PAGE_LINES)
    at_once, looked, disagreed, greedy = asyncio.run(_all(crowd))
    usual = (*at_once, *looked, *disagreed)
    every = (*usual, *greedy)
    figures = (
        figure(
            "prompts.largest",
            max(each.largest for each in every),
            "tokens",
            floor=LARGEST_TOKENS,
            lower_is_better=True,
            note=f"of {sum(len(each.prompts) for each in every)} prompts, also of models that look as far as they may",
        ),
        figure(
            "prompts.median_investigation",
            _median(usual),
            "tokens",
            floor=INVESTIGATION_TOKENS,
            lower_is_better=True,
            note="prompts and answers of all agents and rungs, of the three groups below together",
        ),
        figure("prompts.median_at_once", _median(at_once), "tokens", note="models that answer what they are shown"),
        figure("prompts.median_looked", _median(looked), "tokens", note="models that ask two queries first"),
        figure("prompts.median_disagreed", _median(disagreed), "tokens", note="models that contradict the statistics"),
        figure(
            "prompts.longest_investigation",
            max(each.total for each in greedy),
            "tokens",
            note="nothing is ever sure enough, and models ask for all they may",
        ),
    )
    cases = tuple(
        Case(
            name=each.symptom,
            answer=f"{each.total} tokens",
            detail={f"{number} {agent}": str(size) for number, (agent, size) in enumerate(each.prompts, 1)},
        )
        for each in every
    )
    return BenchResult(name="prompts", figures=figures, cases=cases if options.with_cases else ())


async def _all(crowd: Crowd) -> tuple[list[Seen], list[Seen], list[Seen], list[Seen]]:
    never_sure = LadderPolicy(sure=1.0, critical_sure=1.0)
    at_once = [await asked(crowd, symptom) for symptom in SYMPTOMS[::2]]
    looked = [await asked(crowd, symptom, looks=LOOKS) for symptom in SYMPTOMS[1::2]]
    disagreed = [await asked(crowd, symptom, agrees=False) for symptom in SYMPTOMS[:2]]
    greedy = [await asked(crowd, symptom, looks=EVERYTHING, policy=never_sure) for symptom in (SYMPTOMS[0], TOP)]
    return at_once, looked, disagreed, greedy


def _median(seen: Sequence[Seen]) -> float:
    """Of the tokens of those investigations."""
    return statistics.median(each.total for each in seen)


async def asked(
    crowd: Crowd,
    symptom: int,
    *,
    looks: tuple[tuple[str, ...], ...] = (),
    policy: LadderPolicy | None = None,
    agrees: bool = True,
) -> Seen:
    """One alert, while two of the containers below it fail at once.

    Args:
        looks: what the models ask for, turn by turn.
        agrees: whether they say what the statistics say.
    """
    clock = ManualClock(NOW)
    below = crowd.callees(symptom)
    crowd = Crowd(NOW, crowd.containers, crowd.series, crowd.lines, crowd.page_lines, faulty=below[:2])
    listeners = [Listener(rung, CONFIDENCE, looks, agrees) for rung in (Rung.LOCAL, Rung.FRONTIER)]
    models: Mapping[Rung, ChatModel] = {each.rung: each for each in listeners}
    inventory, sources = crowd.inventory(), crowd.sources()

    def context(store: Store, lease: Lease) -> IncidentContext:
        return IncidentContext(
            store=store,
            clock=clock,
            inventory=inventory,
            sources=sources,
            signals=DEFAULT_SIGNALS,
            analysis=AnalysisConfig(),
            knowledge=NullKnowledge(),
            ladder=policy or LadderPolicy(),
            remedy=ObservingRemedy(clock),
            lease=lease,
            notifier=NoNotifier(),
            models=models,
            calibration=shipped(),
            max_looks=1,
        )

    name = crowd.names[symptom]
    found = await investigate([_alert(name)], inventory, clock, context)
    prompts = tuple(prompt for each in listeners for prompt in each.shown)
    total = sum(size for _, size in prompts) + sum(each.written for each in listeners)
    return Seen(name, prompts, total, found)


def _alert(service: str) -> Alert:
    return Alert(
        fingerprint=f"fp-{service}",
        status=AlertStatus.FIRING,
        name="HighErrors",
        severity=Severity.CRITICAL,
        labels={"alertname": "HighErrors", "job": service},
        annotations={"summary": f"more than 5% of the requests to {service} fail"},
        starts_at=NOW - timedelta(seconds=100),
        source="bench",
        service=service,
    )
