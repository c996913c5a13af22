"""Log classification agent: how bad a log template is and what it is about, once for all lines of the template.

The rules' word stands wherever they know one of the template's words. Only what they do not know goes to a model, in
batches; where none answers, or its answer stays invalid after a correction, the rules' answer stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from agents.data_policy import DataPolicy
from agents.rungs.plain import Question, Reply, put
from agents.rungs.showing import Showing
from agents.spec import AgentSpec, Answer, Budget, Studied
from analysis.logs.categories import categorise
from analysis.logs.severity import of_message
from core.errors import InvalidInput
from core.llm import ModelTask, Purpose
from core.models import LogCategory, Model, Rung, Severity, TemplateClass
from core.ports import ChatModel

NAME = "log_classifier"
BATCH = 20
"""Templates of one request: a small model loses count of more."""

SECONDS_PER_TEMPLATE = 2.0
"""Deadline of a batch, for each of its templates: no decision waits for it."""

MAX_TEMPLATES_TOKENS = 3_000
MAX_TEMPLATE_CHARACTERS = 240

MEANINGS: Mapping[LogCategory, str] = {
    LogCategory.CRASH: "a process or a request ended by an unhandled error",
    LogCategory.TIMEOUT: "something was waited for too long",
    LogCategory.NETWORK: "connections, links, names, ports",
    LogCategory.RESOURCE: "memory, CPU, pools, quotas, locks, handles",
    LogCategory.STORAGE: "disks, files, blocks, replicas of data",
    LogCategory.SECURITY: "logins, rights, certificates",
    LogCategory.CONFIGURATION: "settings, options, deprecations",
    LogCategory.DATA: "content that cannot be read or breaks a rule",
    LogCategory.HARDWARE: "parts of a machine",
    LogCategory.LIFECYCLE: "start, stop, readiness, election, deployment",
    LogCategory.REQUEST: "one request that is served or refused",
    LogCategory.JOB: "scheduled or batch work",
    LogCategory.OTHER: "none of these",
}


class LogTemplates(Model):
    """Templates of one service."""

    service: str
    templates: tuple[Annotated[str, Field(min_length=1, max_length=300)], ...]


class LogClasses(Model):
    """What was found of each template, in the order in which they were given."""

    classes: tuple[TemplateClass, ...]


class Label(Model):
    """What a model says of one template."""

    number: int = Field(ge=1)
    severity: Severity
    category: LogCategory


class Labels(Model):
    """A model's answer."""

    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Classified:
    """What a batch came to.

    Attributes:
        settled: whether asking again could not tell more: false where no model could be asked.
        notes: what was done aloud.
    """

    classes: tuple[TemplateClass, ...]
    settled: bool
    cost_usd: float = 0.0
    notes: tuple[str, ...] = ()


def by_rules(template: str) -> TemplateClass:
    """What the rules say; `LogCategory.OTHER` where they know none of the words."""
    return TemplateClass(template=template, severity=of_message(template), category=categorise(template))


def unknown(template: str) -> bool:
    """Whether no rule knows a word of the template."""
    return categorise(template) is LogCategory.OTHER


async def classify(given: LogTemplates) -> Answer[LogClasses]:
    """By rules; the confidence is the share of templates of which they know a word."""
    classes = tuple(by_rules(template) for template in given.templates)
    told = sum(one.category is not LogCategory.OTHER for one in classes)
    return Answer(LogClasses(classes=classes), round(told / len(classes), 3) if classes else 1.0)


async def classify_unknown(
    service: str, templates: Sequence[str], models: Mapping[Rung, ChatModel], policy: DataPolicy
) -> Classified:
    """What a model says of at most `BATCH` templates that no rule knows.

    Raises:
        ValueError: there are more of them.
    """
    if len(templates) > BATCH:
        raise ValueError(f"{len(templates)} templates in a batch of {BATCH}")
    if not templates:
        return Classified((), settled=True)
    question = Question(
        task=ModelTask.LOG_CLASSIFICATION,
        prompt=NAME,
        variables=lambda showing: _variables(service, templates, showing),
        response=Labels,
        read=lambda labels: _read(labels, len(templates)),
        services=frozenset({service}),
        purpose=Purpose(agent=NAME, service=service),
        max_output_tokens=_max_output_tokens(len(templates)),
        deadline_seconds=SECONDS_PER_TEMPLATE * len(templates),
    )
    reply: Reply[tuple[Label, ...]] = await put(question, models, policy)
    if reply.value is None:
        fallback = tuple(by_rules(template) for template in templates)
        return Classified(fallback, settled=reply.invalid, cost_usd=reply.cost_usd, notes=reply.notes)
    found = tuple(
        TemplateClass(template=template, severity=label.severity, category=label.category, rung=reply.rung)
        for template, label in zip(templates, reply.value, strict=True)
    )
    return Classified(found, settled=True, cost_usd=reply.cost_usd, notes=reply.notes)


def _max_output_tokens(templates: int) -> int:
    return 60 + 30 * templates


def _variables(service: str, templates: Sequence[str], showing: Showing) -> dict[str, str]:
    rows = [
        f"{number}. {showing.line(template, MAX_TEMPLATE_CHARACTERS)}" for number, template in enumerate(templates, 1)
    ]
    return {
        "service": showing.line(service, 80),
        "categories": "\n".join(f"- `{category}`: {meaning}" for category, meaning in MEANINGS.items()),
        "templates": showing.block(rows, MAX_TEMPLATES_TOKENS, "templates"),
    }


def _read(answer: Labels, count: int) -> tuple[Label, ...]:
    """The labels in the order of the templates.

    Raises:
        InvalidInput: a number is missing, twice, or none of those that were asked.
    """
    labels: Iterable[Label] = sorted(answer.labels, key=lambda one: one.number)
    if [one.number for one in labels] != list(range(1, count + 1)):
        raise InvalidInput(f"it must label each of the numbers 1 to {count} once", path="labels")
    return tuple(labels)


SPEC = AgentSpec(
    name=NAME,
    version="1",
    description="Says how bad a log template is and what it is about; models only see templates that no rule knows.",
    input=LogTemplates,
    output=LogClasses,
    tools=("log_digest",),
    rungs={Rung.RULES: classify},
    budget=Budget(rung_seconds=5),
    studied=Studied(ModelTask.LOG_CLASSIFICATION, NAME, Labels, _max_output_tokens(BATCH)),
)
