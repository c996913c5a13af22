"""The calls of one turn: judged first, run side by side, each answered whatever becomes of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.fencing import inline
from agents.looking.context import RECALL
from agents.looking.progress import Bounds, Progress, Result
from agents.looking.telling import Barred, brief, told
from agents.redaction import Redactor
from core.errors import InvalidInput, SourceError
from core.llm import Message, Speaker, ToolCall
from core.models import Evidence
from core.ports import Toolbox

MAX_PARALLEL = 4
MAX_ERROR_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Desk:
    """What a look is made with.

    Attributes:
        redactor: that of the conversation, so that one thing has one placeholder throughout.
        barred: services whose data the model must not see.
    """

    toolbox: Toolbox
    redactor: Redactor
    barred: Barred = lambda service: None
    bounds: Bounds = field(default_factory=Bounds)


@dataclass(frozen=True, slots=True)
class _Question:
    """A call that is worth running."""

    name: str
    arguments: Mapping[str, Any]
    key: str


@dataclass(frozen=True, slots=True)
class _Heard:
    """What became of a call: text for the model, and evidence if there is any."""

    text: str
    evidence: Evidence | None = None
    again: str = ""
    failed: bool = False


async def answer_calls(progress: Progress, desk: Desk) -> Progress:
    """The look after every call of its newest turn was answered, in the order in which they were asked."""
    judged: list[_Question | _Heard] = []
    keys: set[str] = set()
    for number, call in enumerate(progress.pending):
        verdict = _judge(call, number, progress, desk, keys)
        if isinstance(verdict, _Question):
            keys.add(verdict.key)
        judged.append(verdict)
    slots = asyncio.Semaphore(MAX_PARALLEL)

    async def run(one: _Question | _Heard) -> _Heard:
        if isinstance(one, _Heard):
            return one
        async with slots:
            return await _run(one, progress, desk)

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(run(each)) for each in judged]
    return _told(progress, judged, [each.result() for each in running], desk)


def _judge(call: ToolCall, number: int, progress: Progress, desk: Desk, keys: set[str]) -> _Question | _Heard:
    """The question, or why it is not asked."""
    names = tuple(each.name for each in (*desk.toolbox.specs, RECALL))
    if number >= desk.bounds.calls:
        return _Heard(f"Not run: at most {desk.bounds.calls} calls a turn.")
    if call.name not in names:
        return _Heard(f"There is no tool {_quoted(call.name, desk)}. Use one of: {', '.join(names)}.")
    try:
        arguments = json.loads(desk.redactor.restore(call.arguments) or "{}")
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        return _Heard(f"The arguments are no JSON object. {_allowed(call.name, desk)}")
    key = f"{call.name} {json.dumps(arguments, sort_keys=True)}"
    if key in keys:
        return _Heard("Asked twice in this turn: see the other answer.")
    if call.name == RECALL.name:
        return _Question(call.name, arguments, key)
    if key in progress.asked:
        return _Heard(f"Asked before and not asked again: {progress.asked[key]}")
    why = desk.barred(str(arguments.get("service", ""))) if arguments.get("service") else None
    if why:
        return _Heard(f"Not asked: {inline(desk.redactor.hide(why))}")
    return _Question(call.name, arguments, key)


async def _run(question: _Question, progress: Progress, desk: Desk) -> _Heard:
    try:
        if question.name == RECALL.name:
            return await _recalled(question, desk)
        tried = progress.tries.get(question.key, 0) + 1
        evidence = await desk.toolbox.look(question.name, question.arguments, last_try=tried >= desk.bounds.tries)
    except InvalidInput as error:
        said = f"{_said(error.message, error.fix, desk)} {_allowed(question.name, desk)}"
        return _Heard(said, again=f"it was refused. {_allowed(question.name, desk)}")
    except SourceError as error:
        return _Heard(
            f"The source did not answer: {_said(error.message, error.fix, desk)} Asking the same again may help.",
            failed=True,
        )
    if evidence.error:
        text = f"{_whole(evidence, desk)}\nThe source did not answer. Asking the same again does not help."
        return _Heard(text, evidence, again=f"the source does not answer this, see {evidence.id}.")
    return _Heard(_whole(evidence, desk), evidence, again=f"the answer is {evidence.id}; recall_result returns it.")


async def _recalled(question: _Question, desk: Desk) -> _Heard:
    evidence = await desk.toolbox.recall(str(question.arguments.get("evidence_id", "")))
    why = desk.barred(evidence.subject) if evidence.subject else None
    return _Heard(f"Not shown: {inline(desk.redactor.hide(why))}") if why else _Heard(_whole(evidence, desk), evidence)


def _told(progress: Progress, judged: Sequence[_Question | _Heard], heard: Sequence[_Heard], desk: Desk) -> Progress:
    messages, results = list(progress.messages), list(progress.results)
    asked, tries, evidence = dict(progress.asked), dict(progress.tries), {each.id: each for each in progress.evidence}
    for call, question, one in zip(progress.pending, judged, heard, strict=True):
        if one.evidence is not None:
            evidence.setdefault(one.evidence.id, one.evidence)
            short = brief(one.evidence, desk.redactor)
            results.append(Result(index=len(messages), evidence=one.evidence.id, short=short))
        if isinstance(question, _Question) and one.again:
            asked[question.key] = one.again
        if isinstance(question, _Question) and one.failed:
            tries[question.key] = tries.get(question.key, 0) + 1
        messages.append(Message(speaker=Speaker.TOOL, text=one.text, answers=call.id))
    return progress.model_copy(
        update={
            "messages": tuple(messages),
            "results": tuple(results),
            "asked": asked,
            "tries": tries,
            "evidence": tuple(evidence.values()),
            "steps": progress.steps + 1,
        }
    )


def _whole(evidence: Evidence, desk: Desk) -> str:
    return told(evidence, desk.redactor, desk.barred, desk.bounds.result_tokens)


def _said(message: str, fix: str, desk: Desk) -> str:
    text = f"{message} ({fix})" if fix else message
    return f"{inline(desk.redactor.hide(text), max_characters=MAX_ERROR_CHARACTERS)}."


def _quoted(text: str, desk: Desk) -> str:
    return repr(inline(desk.redactor.hide(text), max_characters=60))


def _allowed(name: str, desk: Desk) -> str:
    """What the tool takes, as its schema says."""
    schema = next((each.parameters for each in (*desk.toolbox.specs, RECALL) if each.name == name), {})
    return f"{name} takes {json.dumps(schema.get('properties', {}), sort_keys=True)}."
