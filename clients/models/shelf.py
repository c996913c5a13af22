"""What Ollama has pulled, and what each model can do (`/api/tags`, `/api/show`, `/api/pull`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clients.models.contexts import BUCKETS
from core.clock import Clock

if TYPE_CHECKING:
    from ollama import AsyncClient, ShowResponse

LOOK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Pulled:
    """One model.

    Attributes:
        context_tokens: what it was trained for; the largest bucket where Ollama does not say.
        tools: whether a chat may offer tools; Ollama answers 400 otherwise.
        chats: whether it answers at all: models for embeddings do not.
    """

    name: str
    size_bytes: int
    context_tokens: int
    tools: bool
    chats: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """Of a download: a step in Ollama's words, and how much of it is done, 0 to 1."""

    step: str
    share: float | None


class Shelf:
    """Looks at most once every `LOOK_SECONDS`; each model is asked for its capabilities once.

    Raises what the `ollama` library raises; `clients.models.asking` reads it.
    """

    def __init__(self, client: AsyncClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[tuple[str, str], Pulled] = {}
        self._found: tuple[Pulled, ...] | None = None
        self._looked_at = 0.0

    async def look(self) -> tuple[Pulled, ...]:
        """Every model that is pulled, smallest first."""
        if self._found is None or self._clock.monotonic() - self._looked_at > LOOK_SECONDS:
            found = [
                await self._pulled(each.model, each.digest or "", int(each.size or 0))
                for each in (await self._client.list()).models
                if each.model
            ]
            self._found = tuple(sorted(found, key=lambda each: (each.size_bytes, each.name)))
            self._looked_at = self._clock.monotonic()
        return self._found

    def forget(self) -> None:
        """Look again next time."""
        self._found = None

    async def pull(self, name: str) -> AsyncIterator[Progress]:
        """Download a model; what Ollama says on the way."""
        async for part in await self._client.pull(name, stream=True):
            share = part.completed / part.total if part.completed and part.total else None
            yield Progress(part.status or "", share)
        self.forget()

    async def _pulled(self, name: str, digest: str, size_bytes: int) -> Pulled:
        if (name, digest) not in self._known:
            shown = await self._client.show(name)
            capabilities = shown.capabilities
            self._known[name, digest] = Pulled(
                name=name,
                size_bytes=size_bytes,
                context_tokens=_context_tokens(shown),
                tools="tools" in (capabilities or ()),
                chats=capabilities is None or "completion" in capabilities,  # None: Ollama before 0.6.4
            )
        return self._known[name, digest]


def _context_tokens(shown: ShowResponse) -> int:
    info = shown.modelinfo or {}
    known = (value for name, value in info.items() if name.endswith(".context_length") and isinstance(value, int))
    return next(known, BUCKETS[-1])
