"""Prompts as files: `prompts/<name>.md` behind the shared part `_shared.md`, filled in strictly, counted, hashed.

A variable stands as ``{{name}}``; braces of JSON are left alone. Values are put in once and never looked into: a value
that holds ``{{name}}`` stays what it is. Prompts are data of the package, found with `importlib.resources`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sized
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from agents.fencing import RULE
from core.llm import Message, Speaker
from core.tokens import tokens

MAX_PROMPT_TOKENS = 6_000
"""No prompt is larger, whatever was measured: its sections are bounded when they are built."""

SHARED = "_shared"

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_VARIABLE = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt that can be sent.

    Attributes:
        system: what is the same for every prompt.
        user: the agent's own part, filled in.
        hash: of the prompt's wording, not of what was filled in: it names the version that a decision was made with.
        tokens: upper estimate of `text`.
    """

    system: str
    user: str
    hash: str
    tokens: int

    @property
    def text(self) -> str:
        """All of it."""
        return f"{self.system}\n\n{self.user}"

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation that it begins."""
        return (
            Message(speaker=Speaker.SYSTEM, text=self.system),
            Message(speaker=Speaker.USER, text=self.user),
        )


@dataclass(frozen=True, slots=True)
class Prompt:
    """The wording of a prompt.

    Attributes:
        shared: the part that all prompts begin with, without variables.
        own: the agent's part.
    """

    name: str
    shared: str
    own: str

    @property
    def variables(self) -> frozenset[str]:
        """Names of what must be filled in."""
        return frozenset(_VARIABLE.findall(self.own))

    @property
    def hash(self) -> str:
        """Names this wording: 12 hexadecimal digits of its SHA-256."""
        return hashlib.sha256(f"{self.shared}\x1f{self.own}".encode()).hexdigest()[:12]

    def render(self, **variables: str) -> Rendered:
        """The prompt with every variable filled in.

        Raises:
            ValueError: a variable is missing, or one is not of this prompt.
        """
        missing, unknown = sorted(self.variables - set(variables)), sorted(set(variables) - self.variables)
        if missing or unknown:
            raise ValueError(f"prompt {self.name}: missing {missing}, unknown {unknown}")
        user = _VARIABLE.sub(lambda found: variables[found[1]], self.own)
        return Rendered(self.shared, user, self.hash, tokens(f"{self.shared}\n\n{user}"))


@cache
def load(name: str) -> Prompt:
    """The prompt of that name.

    Raises:
        ValueError: there is none, or it is not well formed.
    """
    shared = _read(SHARED).replace("{{fence_rule}}", RULE)
    own = _read(name) if _NAME.fullmatch(name) else ""
    if not own or "{{" in shared or "{{" in _VARIABLE.sub("", own):
        raise ValueError(f"no prompt {name!r}, or one of its variables is not written as {{{{name}}}}")
    return Prompt(name, shared, own)


def bounded(rows: Iterable[str], max_tokens: int, what: str = "rows", count: int | None = None) -> str:
    """The first rows that fit, one a line, and how many were left out; ``(none)`` without any.

    Args:
        rows: most important first; no more of them are made than fit.
        max_tokens: upper estimate of the whole text is at most this.
        what: the rows' name in "12 more rows are left out".
        count: how many rows there are, where `rows` does not know its length.
    """
    total = len(rows) if isinstance(rows, Sized) else count
    reserved = tokens(f"\n({total or 10**6} more {what} are left out)")
    kept: list[str] = []
    fitting, used = 0, 0
    for row in rows:
        used += tokens(f"{row}\n")
        if used > max_tokens:
            left = "" if total is None else f"{total - fitting} "
            return "\n".join([*kept[:fitting], f"({left}more {what} are left out)"])
        kept.append(row)
        if used <= max_tokens - reserved:
            fitting = len(kept)
    return "\n".join(kept) if kept else "(none)"


def _read(name: str) -> str:
    path = files("agents").joinpath("prompts", f"{name}.md")
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""
