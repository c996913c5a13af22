"""Models that know the label and err on purpose: the error model behind `quell bench ladder`.

Each answer is drawn anew and by itself: with `WRONG` it is wrong, and half of the wrong ones are overconfident. A wrong
answer is never a silly one: it names another service that the prompt allows, cites that service's own evidence, and
says nothing that contradicts it. A right one also names the kind of fault, where the label knows it. A second look errs
as often as an answer does. A `stubborn` model draws once for a kind of question: asked again it says the same, and it
finds that its own answer holds.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from agents.healing import REMEDIES
from app.models.budget import PRICES
from clients.models.counting import o200k_tokens
from core.llm import ModelReply, ModelRequest, ModelTask
from core.models import FaultKind, Rung
from core.ports import SourceStatus
from core.tokens import request_tokens
from drills.results import Key

WRONG = 0.3
"""Share of the answers that are wrong."""

OVERCONFIDENT = 0.5
"""Share of the wrong answers that are given as surely as nothing is."""

SURE, OVERSURE, DOUBTFUL = (0.6, 0.95), (0.9, 0.99), (0.2, 0.6)
"""What a right answer, an overconfident wrong one and another wrong one say of themselves: drawn evenly between."""

PRICED_AS = "gpt-4o"
CITED = 3

_EVIDENCE = re.compile(r"\bev_[0-9a-f]{12}\b")
_OPTION = re.compile(r"^\| (\d+)\. (\w+) ", re.MULTILINE)
_CAUSE = re.compile(r"^Cause: .*? ([a-z_]+), probability ", re.MULTILINE)
_ANSWER = re.compile(r"^Answer:\n<<<data tool>>>\n\| (.*)$", re.MULTILINE)
_RULES = re.compile(r"^What simple rules on the alerts' words say: (\w+)", re.MULTILINE)


class Mood(StrEnum):
    """What is drawn for an answer."""

    RIGHT = "right"
    WRONG = "wrong"
    OVERCONFIDENT = "overconfident"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question that was put to a model.

    Attributes:
        prompt_tokens, output_tokens: by the vocabulary of gpt-4o.
        mood: of the answer.
    """

    rung: Rung
    task: ModelTask
    prompt_tokens: int
    output_tokens: int
    mood: Mood


@dataclass
class ErringModel:
    """`core.ports.ChatModel` for one incident.

    Args:
        rung: the frontier's answers cost the list price of `PRICED_AS`, the local model's nothing.
        truth: the label.
        seed: everything that is drawn follows from it, the rung, and how often it was asked.
        stubborn: it never changes its mind.

    Attributes:
        asked: all that it was asked, in order.
    """

    rung: Rung
    truth: Key
    seed: str
    stubborn: bool = False
    asked: list[Asked] = field(default_factory=list)

    async def complete(self, request: ModelRequest) -> ModelReply:
        """An answer that obeys the schema, right or wrong."""
        draws = random.Random(f"{self.seed}/{self.rung}/{request.task if self.stubborn else len(self.asked)}")
        mood = drawn_mood(draws)
        text = json.dumps(self._answer(request, mood, draws))
        prompt, output = request_tokens(request, o200k_tokens), o200k_tokens(text)
        self.asked.append(Asked(self.rung, request.task, prompt, output, mood))
        cost = PRICES[PRICED_AS].usd(prompt, output) if self.rung is Rung.FRONTIER else 0.0
        return ModelReply(
            text=text, model="erring", rung=self.rung, prompt_tokens=prompt, output_tokens=output, cost_usd=cost
        )

    async def status(self) -> SourceStatus:
        return SourceStatus(name="erring", configured=True, reachable=True)

    def _answer(self, request: ModelRequest, mood: Mood, draws: random.Random) -> dict[str, Any]:
        text, sure = request.messages[1].text, drawn_confidence(mood, draws)
        right = mood is Mood.RIGHT
        match request.task:
            case ModelTask.RCA:
                return self._cause(request, text, right, sure, draws)
            case ModelTask.VERIFICATION:
                answered = _ANSWER.search(text)
                holds = answered is not None and answered[1].startswith(
                    tuple(f"{one}: " for one in self.truth.services)
                )
                return {"holds": self.stubborn or holds is right, "confidence": sure, "objection": ""}
            case ModelTask.ANOMALY:
                return _assessed(text, right, sure)
            case ModelTask.PLANNING:
                return _planned(text, right, sure, draws)
            case _:
                return _categorised(request, text, right, sure, draws)

    def _cause(
        self, request: ModelRequest, text: str, right: bool, sure: float, draws: random.Random
    ) -> dict[str, Any]:
        fields = (request.response_schema or {})["$defs"]["Cause"]["properties"]
        named = named_service(fields["service"]["enum"], self.truth, right=right, draws=draws)
        if not named:
            return {"causes": [], "confidence": sure, "narrative": "The evidence tells nothing."}
        rows = [line for line in text.split("\n") if line.startswith(f"| {named} ")]
        listed = re.search(rf"^\| {re.escape(named)} ([a-z_]+) [01]\.\d\d: ", text, re.MULTILINE)
        kinds = [one for one in self.truth.kinds if right] or fields["kind"]["enum"]
        kind = listed[1] if listed and listed[1] in kinds else draws.choice(kinds)
        cites = list(dict.fromkeys(one for row in rows for one in _EVIDENCE.findall(row)))[:CITED]
        cause = {"service": named, "kind": kind, "statement": f"{named} failed first."}
        return {
            "causes": [{**cause, "evidence_for": cites, "evidence_against": []}],
            "confidence": sure,
            "narrative": f"{named} failed first, and what calls it suffered.",
        }


def drawn_mood(draws: random.Random) -> Mood:
    """Right, wrong, or wrong and overconfident."""
    if draws.random() >= WRONG:
        return Mood.RIGHT
    return Mood.OVERCONFIDENT if draws.random() < OVERCONFIDENT else Mood.WRONG


def drawn_confidence(mood: Mood, draws: random.Random) -> float:
    """What an answer says of itself, two digits."""
    low, high = {Mood.RIGHT: SURE, Mood.OVERCONFIDENT: OVERSURE, Mood.WRONG: DOUBTFUL}[mood]
    return round(draws.uniform(low, high), 2)


def named_service(allowed: Sequence[str], truth: Key, *, right: bool, draws: random.Random) -> str:
    """A culprit, or a service that is none; empty where none such may be named."""
    fitting = [each for each in allowed if (each in truth.services) is right]
    return draws.choice(fitting) if fitting else ""


def _assessed(text: str, right: bool, sure: float) -> dict[str, Any]:
    """Each of these incidents is one: to see none is wrong."""
    cites = list(dict.fromkeys(_EVIDENCE.findall(text.partition("What statistics found")[2])))[:CITED]
    word = "Look at what began first." if right else "This is what the hour usually looks like."
    judged = {"detected": right, "severity": "critical" if right else "info", "pattern": "none"}
    return {**judged, "confidence": sure, "recommendation": word, "evidence": cites}


def _planned(text: str, right: bool, sure: float, draws: random.Random) -> dict[str, Any]:
    """The action that the healing agent knows against that kind of fault, or none; wrong is any other choice."""
    kind = found[1] if (found := _CAUSE.search(text)) else ""
    known = REMEDIES.get(FaultKind(kind), ()) if kind in set(FaultKind) else ()
    options = [(int(number), action) for number, action in _OPTION.findall(text)]
    best = next((number for name in known for number, action in options if action == name), None)
    chosen = best
    if not right:
        others = [number for number, _ in options if number != best]
        chosen = draws.choice([*others, None]) if best is not None else draws.choice(others)
    cites = list(dict.fromkeys(_EVIDENCE.findall(text.partition("Symptom:")[0])))[:CITED]
    said = "This ends the cause." if chosen else "No option would end it."
    return {"options": [chosen] if chosen else [], "confidence": sure, "reason": said, "evidence": cites}


def _categorised(request: ModelRequest, text: str, right: bool, sure: float, draws: random.Random) -> dict[str, Any]:
    """What the alert's own words say, or another category."""
    every = (request.response_schema or {})["properties"]["category"]["enum"]
    told = found[1] if (found := _RULES.search(text)) else every[0]
    category = told if right else draws.choice([each for each in every if each != told])
    return {
        "category": category,
        "confidence": sure,
        "reason": "Its name says so.",
        "evidence": _EVIDENCE.findall(text)[:1],
    }
