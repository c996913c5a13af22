"""Templates of log lines, online: each line gets its template's id as it passes, in bounded memory.

A line whose shape (digits folded) was seen costs one look-up, a line whose masked words were seen two. What is left is
matched word by word: masks decide first; beyond them a position becomes a wildcard only after several distinct values
with everything else equal, as two or three may well be states (opened, closed) and no parameter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from analysis.logs.masks import MAX_CHARACTERS, WILDCARD, Mask, Masker, fold, short, unfolded
from analysis.logs.stacks import stack_key

OVERFLOW = "<other templates>"
OVERFLOW_ID = 0
REMEMBERED_CHARACTERS = 4_000_000

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MinerConfig:
    """The whole configuration; the same for every system.

    Attributes:
        max_templates: templates kept; when there would be more, the half with the fewest lines is given up.
        distinct_values: values at one position, with all other words equal, from which it is a parameter.
        constant_words: other words without a wildcard that a message must have for that.
        max_words: longer messages have no learned positions.
        masks: see `analysis.logs.masks`.
    """

    max_templates: int = 2000
    distinct_values: int = 6
    constant_words: int = 3
    max_words: int = 24
    masks: frozenset[Mask] = field(default_factory=lambda: frozenset(Mask))


class Template:
    """One template with its lines so far; `into` is the one that took it and its lines over, if any."""

    __slots__ = ("id", "into", "lines", "words")

    def __init__(self, number: int, words: Words) -> None:
        self.id = number
        self.words = words
        self.lines = 0
        self.into: Template | None = None

    @property
    def text(self) -> str:
        """The message with its variable parts masked."""
        return " ".join(self.words)


class Miner:
    """Turns lines into templates; the ids of a stream depend on the stream and the configuration only."""

    def __init__(self, config: MinerConfig | None = None) -> None:
        self.config = config or MinerConfig()
        self._masker = Masker(self.config.masks)
        self._next = 1
        self.overflow = Template(OVERFLOW_ID, (OVERFLOW,))
        self._by_words: dict[Words, Template] = {}
        self._candidates: dict[Words, list[Template]] = {}
        self._shapes: dict[bytes, Template] = {}
        self._masked: dict[str, Template] = {}
        self._room = REMEMBERED_CHARACTERS

    def add(self, text: str) -> Template:
        """The template of a message, as of now; `resolve` tells later what became of it."""
        shape = fold(text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS])
        found = self._shapes.get(shape) or self._learn(shape)
        found.lines += 1
        return found

    def add_trace(self, key: str) -> Template:
        """The template of a folded stack trace, which reads like its key."""
        found = self._fixed(key)
        found.lines += 1
        return found

    def resolve(self, template: Template) -> Template:
        """The template that holds a line's group now: itself, the one it was merged into, or the overflow's."""
        while template.into is not None:
            template = template.into
        return template

    def __len__(self) -> int:
        """Templates that are kept."""
        return sum(1 for _ in self.templates())

    def templates(self) -> Iterator[Template]:
        """Those that are kept, oldest first."""
        return iter(sorted({one.id: one for one in self._by_words.values() if one.into is None}.values(), key=_age))

    def _learn(self, shape: bytes) -> Template:
        """Look for a shape without its long ids, then for its masked words, and remember both."""
        whole, shape = shape, short(shape)
        if whole != shape and (known := self._shapes.get(shape)):
            return known
        folded = unfolded(shape)
        if trace := stack_key(folded):
            masked, found = trace, self._fixed(trace)
        else:
            masked = self._masker.words(folded)
            found = self._masked.get(masked) or self._match(tuple(self._masker.phrases(masked).split(" ")))
        self._room -= len(shape) + len(masked)
        if self._room < 0:
            self._forget()
        self._masked[masked] = self._shapes[shape] = found
        return found

    def _fixed(self, text: str) -> Template:
        """The template that reads exactly like this."""
        words = (text,)
        return self._by_words.get(words) or self._new(words)

    def _forget(self) -> None:
        """Empty what only makes things fast."""
        self._shapes.clear()
        self._masked.clear()
        self._room = REMEMBERED_CHARACTERS

    def _match(self, words: Words) -> Template:
        """The template of masked words: a known one, one with a parameter where this has a word, or a new one."""
        if found := self._by_words.get(words):
            return self.resolve(found)
        patterns = self._patterns(words)
        for pattern in patterns:
            if found := self._by_words.get(pattern):
                self._by_words[words] = found
                return self.resolve(found)
        for pattern in patterns:
            others = [one for one in self._candidates.get(pattern, ()) if one.into is None]
            if len(others) + 1 >= self.config.distinct_values:
                return self._generalise(pattern, others)
        return self._new(words)

    def _patterns(self, words: Words) -> list[Words]:
        """The words with one of them a wildcard, for each that could be a parameter."""
        if len(words) > self.config.max_words:
            return []
        constant = [WILDCARD not in word and word.isascii() and any(map(str.isalpha, word)) for word in words]
        if sum(constant) <= self.config.constant_words:
            return []
        return [(*words[:i], WILDCARD, *words[i + 1 :]) for i, plain in enumerate(constant) if plain]

    def _generalise(self, pattern: Words, members: list[Template]) -> Template:
        """One template for all members: the oldest, which now reads like the pattern."""
        first = min(members, key=_age)
        for other in members:
            if other is not first:
                self._hand_over(other, first)
        first.words = pattern
        self._candidates.pop(pattern, None)
        self._by_words[pattern] = first
        self._register(first)
        self._forget()
        return first

    @staticmethod
    def _hand_over(template: Template, into: Template) -> None:
        template.into = into
        into.lines += template.lines

    def _new(self, words: Words) -> Template:
        if len(self._by_words) >= self.config.max_templates:
            self._give_up_half()
        template = Template(self._next, words)
        self._next += 1
        self._by_words[words] = template
        self._register(template)
        return template

    def _register(self, template: Template) -> None:
        for pattern in self._patterns(template.words):
            self._candidates.setdefault(pattern, []).append(template)

    def _give_up_half(self) -> None:
        """Keep the half with the most lines (of equals the younger), as lossy counting does.

        Manku & Motwani, VLDB 2002, https://doi.org/10.1016/B978-155860869-6/50038-X: what is frequent survives a
        flood of what is rare. The rest is counted in the overflow's template from now on.
        """
        kept = sorted(self.templates(), key=lambda one: (-one.lines, -one.id))[: self.config.max_templates // 2]
        stay = {one.id for one in kept}
        for template in self.templates():
            if template.id not in stay:
                self._hand_over(template, self.overflow)
        self._by_words = {one.words: one for one in sorted(kept, key=_age)}
        self._candidates = {}
        for template in self._by_words.values():
            self._register(template)
        self._forget()


def _age(template: Template) -> int:
    return template.id
