"""Loghub's 2,000 lines of each system with their corrected templates.

Templates: Khan et al., "Guidelines for Assessing the Accuracy of Log Message Template Identification Techniques", ICSE
2022 (https://doi.org/10.1145/3510003.3510101). Lines are for research use only: they are read where they are, never
shipped.
"""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from pathlib import Path

from core.errors import InvalidInput

SEED = 20260303
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class LabelledLog:
    """Lines of one system.

    Attributes:
        system: its name.
        lines: messages without their header, as loghub cuts them, in their order.
        templates: the true template of each line.
    """

    system: str
    lines: tuple[str, ...]
    templates: tuple[str, ...]


def load(folder: Path) -> list[LabelledLog]:
    """Every system in the folder, by name.

    Raises:
        InvalidInput: a file lacks the columns `Content` and `EventTemplate`, or there is no system at all.
    """
    logs = [_read(path) for path in sorted(folder.glob("*/*_structured_corrected.csv"))]
    if not logs:
        raise InvalidInput("no system with corrected templates", path=str(folder), fix="unpack loghub2k there")
    return logs


def redrawn(logs: list[LabelledLog], rounds: int = ROUNDS, seed: int = SEED) -> list[str]:
    """All lines, several times over, every digit drawn anew: what a busy system repeats, without repeating a line."""
    draw = random.Random(seed)
    return [
        "".join(draw.choice("0123456789") if letter.isdigit() else letter for letter in line)
        for _ in range(rounds)
        for log in logs
        for line in log.lines
    ]


def traced(logs: list[LabelledLog], seed: int = SEED) -> list[str]:
    """All lines once, each with a trace id of its own at its end: no line has the shape of another one."""
    draw = random.Random(seed)
    return [f"{line} trace={draw.getrandbits(128):032x}" for log in logs for line in log.lines]


def _read(path: Path) -> LabelledLog:
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        rows = list(csv.DictReader(file))
    try:
        lines, templates = zip(*((row["Content"], row["EventTemplate"]) for row in rows), strict=True)
    except (KeyError, ValueError) as error:
        raise InvalidInput("not a loghub table of lines", path=str(path), fix="unpack loghub2k again") from error
    return LabelledLog(path.parent.name, lines, templates)
