"""What fits a model's context: fixed sizes for Ollama, and prompts shortened by rule, never without a word.

Ollama loads a model anew when its context size changes, and drops the beginning of a prompt that is too long without
telling anybody (https://github.com/ollama/ollama/blob/main/docs/faq.md, `num_ctx`).
"""

from __future__ import annotations

from itertools import accumulate

from clients.models.counting import Counter, message_tokens, overhead_tokens
from core.errors import SourceRejected
from core.llm import Message, ModelRequest, Speaker

BUCKETS = (4096, 8192, 16384, 32768)
PIECE_CHARACTERS = 400
MARK = "\n[... the middle is left out here to fit the model ...]\n"
MAX_FRAME_CHARACTERS = 120
FRAMES = ("<", "```")
"""How lines begin that frame data: they always stay, so that nothing leaves its fence when the middle goes."""


def bucket_for(needed: int, largest: int) -> int:
    """The smallest context of `BUCKETS` that holds so many tokens, or else the largest that is allowed.

    Args:
        needed: tokens of prompt and answer together.
        largest: what the model and the settings allow; below the smallest bucket it is taken as it is.
    """
    allowed = [size for size in BUCKETS if size <= largest] or [largest]
    return next((size for size in allowed if size >= needed), allowed[-1])


def fit(request: ModelRequest, limit: int, count: Counter) -> tuple[ModelRequest, tuple[str, ...]]:
    """The request with a prompt of at most `limit` tokens, and what was done to it.

    Old answers of tools go first, oldest first, since their calls tell how to get them again; then the longest
    message loses its middle. Instructions (the system's messages) are never touched.

    Raises:
        SourceRejected: what must not be shortened is too long by itself.
    """
    sizes = [message_tokens(each, count) for each in request.messages]
    before = overhead_tokens(request, count)
    total = before + sum(sizes)
    if total <= limit:
        return request, ()
    messages, notes = list(request.messages), []
    dropped = _drop_old_answers(messages, sizes, limit - before, count)
    if dropped:
        notes.append(f"{dropped} old tool answers")
    lost_of: dict[int, int] = {}
    while (excess := before + sum(sizes) - limit) > 0:
        index = _longest(messages, sizes)
        shorter, lost = _shortened(messages[index].text, excess, count) if index is not None else ("", 0)
        if index is None or not lost:
            raise SourceRejected(
                f"the prompt has {total} tokens, {limit} fit, and what must stay of it is longer",
                fix="raise the context of the model, or lower max_output_tokens",
            )
        messages[index] = messages[index].model_copy(update={"text": shorter})
        sizes[index] = message_tokens(messages[index], count)
        lost_of[index] = lost_of.get(index, 0) + lost
    notes += [f"{lost} characters of the middle of message {index + 1}" for index, lost in lost_of.items()]
    told = f"prompt shortened from {total} to {before + sum(sizes)} tokens, {limit} fit: left out {', '.join(notes)}"
    return request.model_copy(update={"messages": tuple(messages)}), (told,)


def _shortened(text: str, excess: int, count: Counter) -> tuple[str, int]:
    """At most half goes at once, so that another message can be the longest next."""
    size = count(text)
    shorter, lost = without_middle(text, max(size - excess, size // 2), count)
    return (shorter, lost) if count(shorter) < size else (text, 0)


def without_middle(text: str, limit: int, count: Counter) -> tuple[str, int]:
    """The text with its middle replaced by a line that says so, and how many characters went.

    Whole lines go where they are short; lines that frame data stay. The text comes back unchanged, with 0, when no
    shortening reaches `limit` tokens.
    """
    pieces = _pieces(text)
    loose = [index for index, piece in enumerate(pieces) if not _frames(piece)]
    costs = [count(piece) for piece in pieces]
    room = limit - count(MARK) - sum(cost for index, cost in enumerate(costs) if index not in set(loose))
    if room < 0 or not loose:
        return text, 0
    ahead = list(accumulate((costs[index] for index in loose), initial=0))
    behind = list(accumulate((costs[index] for index in reversed(loose)), initial=0))
    kept = max(each for each in range(len(loose) // 2 + 1) if ahead[each] + behind[each] <= room)
    gone = set(loose[kept : len(loose) - kept])
    lost = sum(len(pieces[index]) for index in gone)
    if not lost:
        return text, 0
    first = min(gone)
    shown = [MARK if index == first else piece for index, piece in enumerate(pieces) if index not in gone - {first}]
    return "".join(shown), lost


def _drop_old_answers(messages: list[Message], sizes: list[int], room: int, count: Counter) -> int:
    """Empties old answers of tools in place, all but the newest, until the sizes fit; how many."""
    answers = [index for index, each in enumerate(messages) if each.speaker is Speaker.TOOL][:-1]
    dropped = 0
    for index in answers:
        if sum(sizes) <= room:
            break
        shorter = messages[index].model_copy(update={"text": "[left out to fit the model; call the tool again]"})
        if (size := message_tokens(shorter, count)) < sizes[index]:
            messages[index], sizes[index] = shorter, size
            dropped += 1
    return dropped


def _longest(messages: list[Message], sizes: list[int]) -> int | None:
    free = [index for index, each in enumerate(messages) if each.speaker is not Speaker.SYSTEM]
    return max(free, key=lambda index: (sizes[index], index)) if free else None


def _pieces(text: str) -> list[str]:
    lines = text.splitlines(keepends=True)
    return [line[at : at + PIECE_CHARACTERS] for line in lines for at in range(0, len(line), PIECE_CHARACTERS)]


def _frames(piece: str) -> bool:
    return len(piece) <= MAX_FRAME_CHARACTERS and piece.lstrip().startswith(FRAMES)
