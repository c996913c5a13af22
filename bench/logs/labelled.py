"""Log templates labelled by hand: severity, category, and a word of why where a label is doubtful.

`labelled_templates.csv` was written from the formats of public systems and labelled before any rule was run on it; no
line of a log is in it. Systems are split as wholes: rules were changed looking at `tune` only.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files

from core.errors import InvalidInput
from core.models import LogCategory, Severity

FILE = "labelled_templates.csv"
TUNE, HELD_OUT = "tune", "held_out"


@dataclass(frozen=True, slots=True)
class LabelledTemplate:
    """One template with what a person says of it.

    Attributes:
        system: that writes it.
        split: `TUNE` or `HELD_OUT`, the same for all of a system.
        doubt: why another label would do as well; empty when none would.
    """

    system: str
    split: str
    template: str
    severity: Severity
    category: LogCategory
    doubt: str


def load_labelled() -> list[LabelledTemplate]:
    """All of them, in the order of the file.

    Raises:
        InvalidInput: the file is damaged.
    """
    text = files("bench.logs").joinpath(FILE).read_text(encoding="utf-8")
    try:
        return [
            LabelledTemplate(
                row["system"],
                row["split"],
                row["template"],
                Severity(row["severity"]),
                LogCategory(row["category"]),
                row["doubt"],
            )
            for row in csv.DictReader(text.splitlines())
        ]
    except (KeyError, ValueError) as error:
        raise InvalidInput(f"{FILE} is damaged: {error}", path=FILE, fix="install Quell again") from error
