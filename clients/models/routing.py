"""Which model is asked: a pure function of what is wanted, what is pulled and what is too slow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clients.models.settings import ModelChoice
from core.errors import ModelUnavailable
from core.llm import ModelTask


@dataclass(frozen=True, slots=True)
class Need:
    """What decides about the model of a request."""

    task: ModelTask
    urgent: bool = False
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """The model that is asked, and what was done aloud."""

    model: str
    notes: tuple[str, ...] = ()


def full_name(name: str) -> str:
    """As Ollama lists it: a name without a tag means ``latest``."""
    return name if ":" in name.rsplit("/", 1)[-1] else f"{name}:latest"


def route(choice: ModelChoice, need: Need, pulled: Sequence[str], too_slow: Mapping[str, str]) -> Route:
    """The wanted model if it is there and quick enough, else the next that is.

    The next are the other models that the configuration names, in its order; only where none of them is pulled,
    whatever else is, in the order given: a model that nobody named and nobody timed does not stand in for a slow one.

    Args:
        pulled: full names of the models that can answer.
        too_slow: full name -> why, of those that would miss the deadline.

    Raises:
        ModelUnavailable: no model is pulled, or none is quick enough; both say so.
    """
    wanted = choice.wanted(need.task, urgent=need.urgent, agent=need.agent)
    named = dict.fromkeys(full_name(name) for name in (wanted, *choice.named))
    there = [name for name in named if name in set(pulled)] or list(pulled)
    if not there:
        raise ModelUnavailable(
            f"no model is pulled; {wanted} is wanted for {need.task}", fix=f"run `quell models pull {wanted}`"
        )
    quick = [name for name in there if name not in too_slow]
    if not quick:
        reasons = "; ".join(too_slow[name] for name in there)
        raise ModelUnavailable(
            f"too slow for {need.task}: {reasons}",
            fix="run `quell models bench`, choose a quicker model, or raise models.local.deadlines",
        )
    chosen = quick[0]
    if chosen == full_name(wanted):
        return Route(chosen)
    why = too_slow.get(full_name(wanted), f"{wanted} is not pulled")
    return Route(chosen, (f"{chosen} asked instead of {wanted}: {why}",))
