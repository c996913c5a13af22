"""Numbers and instants that evidence shows, and whether a number in a text is one of them.

A number matches what evidence shows when it is that value rounded to as many digits as were written, or within 1%: in
the unit it is written in (``96%`` is 0.96, ``350 ms`` is 0.35 s, ``1.5 GiB`` is 1.5 x 2^30), and a factor (``24x``)
when it is a value over its baseline. Times of day match instants of the evidence to the second, or to the minute.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from core.models import Evidence

RELATIVE = 0.01
"""Distance at which two numbers are the same."""

_RATIO_RELATIVE = 0.05

_SCALES: dict[str, tuple[float, ...]] = {
    "": (1.0,),
    "%": (0.01, 1.0),
    "ms": (1e-3, 1.0),
    "s": (1.0, 1e-3),
    "min": (60.0, 1.0),
    "m": (60.0, 1e6, 1.0),
    "h": (3600.0, 1.0),
    "k": (1e3,),
    "kb": (1e3, 1024.0),
    "mb": (1e6, 2.0**20),
    "gb": (1e9, 2.0**30),
    "kib": (1024.0,),
    "mib": (2.0**20,),
    "gib": (2.0**30,),
    "b": (1.0,),
    "x": (1.0,),
}
"""Unit as written, lower case -> what one of it is in the units of the evidence: ratios, seconds, bytes."""

TIMES = re.compile(r"(?<![\d:.])([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?Z?(?![\d:])")
NUMBERS = re.compile(
    r"(?<![\w.:/-])[-+]?(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:e[-+]?\d+)?)"
    r"(?:\s?(?P<unit>%|(?:ms|min|[kmg]i?b|[smhkbx])(?![\w])))?(?![\w%]|\.\d|[:/-]\d)",
    re.IGNORECASE,
)
_UNIT = r"%|(?:ms|min|[kmg]i?b|[smhkbx])(?!\w)"
PAIRS = re.compile(
    rf"(?<![\w.:/-])(?P<one>\d{{1,12}}(?:\.\d{{1,12}})?)\s?(?P<of_one>{_UNIT})?[/-]"
    rf"(?P<other>\d{{1,12}}(?:\.\d{{1,12}})?)(?:\s?(?P<of_other>{_UNIT}))?(?![\w%/-]|[.:]\d)",
    re.IGNORECASE,
)
"""``450/500`` and ``400-500 ms``: two numbers, of which neither stands alone."""

DATES = re.compile(r"\b\d{4}-\d{2}-\d{2}T?")


class Shown:
    """All numbers and instants that some evidence shows, or texts on it."""

    def __init__(self, evidence: Iterable[Evidence], texts: Iterable[str] = ()) -> None:
        self.values: set[float] = set()
        self.ratios: set[float] = set()
        self.seconds: set[int] = set()
        for one in evidence:
            self._add(one)
        self._texts(texts)

    def has_pair(self, pair: re.Match[str]) -> bool:
        """Whether both numbers of a pair are; where one unit is written, it is of both."""
        units = pair["of_one"] or pair["of_other"] or "", pair["of_other"] or pair["of_one"] or ""
        return self.has(pair["one"], units[0]) and self.has(pair["other"], units[1])

    def has(self, digits: str, unit: str) -> bool:
        """Whether a number as it was written is one of the values."""
        unit = unit.lower()
        written = float(digits.replace(",", ""))
        half = 0.5 * 10.0 ** -(len(digits.partition(".")[2]) if "e" not in digits.lower() else 0)
        if unit == "x" and any(abs(abs(written) - one) <= _RATIO_RELATIVE * one for one in self.ratios):
            return True
        return any(
            abs(abs(written) * scale - abs(value))
            <= max(half * scale if "." in digits or unit else 0.0, RELATIVE * abs(value))
            for scale in _SCALES.get(unit, (1.0,))
            for value in self.values
        )

    def has_time(self, hour: int, minute: int, second: int | None) -> bool:
        """Whether an instant of that time of day is shown; without seconds, one within that minute."""
        start = hour * 3600 + minute * 60
        if second is None:
            return any(start <= one < start + 60 for one in self.seconds)
        return any(abs(start + second - one) <= 1 for one in self.seconds)

    def _add(self, one: Evidence) -> None:
        digest = one.digest
        self._texts((digest.summary, one.error, one.query))
        self._instants((one.window.start, one.window.end))
        self.values.add(one.window.seconds)
        for series in digest.series:
            self._numbers((series.current, series.baseline, series.deviation, series.samples))
            self._numbers(number for each in series.windows for number in (each.seconds, each.deviation))
            self._numbers(
                x for each in series.usual for x in (each.median, each.low, each.high, each.spread, each.samples)
            )
            self._instants((series.onset,))
            if series.current and series.baseline:
                self.ratios |= {abs(series.current / series.baseline), abs(series.baseline / series.current)}
        for row in digest.templates:
            self._numbers((row.count, row.rate_before, row.rate_now))
            self._instants((row.first_at,))
            self._texts((row.template, row.example))
            if row.rate_now and row.rate_before:
                self.ratios.add(row.rate_now / row.rate_before)
        for fact in digest.facts:
            self._instants((fact.at,))
            self._texts((fact.name, fact.value))

    def _numbers(self, numbers: Iterable[float | None]) -> None:
        self.values.update(float(each) for each in numbers if each is not None)

    def _instants(self, instants: Iterable[datetime | None]) -> None:
        self.seconds.update(each.hour * 3600 + each.minute * 60 + each.second for each in instants if each is not None)

    def _texts(self, texts: Iterable[str]) -> None:
        """Numbers within texts count in the unit they are written in."""
        for text in texts:
            for found in TIMES.finditer(text):
                hour, minute, second = found.groups()
                self.seconds.add(int(hour) * 3600 + int(minute) * 60 + int(second or 0))
            rest = DATES.sub(" ", TIMES.sub(" ", text))
            for pair in PAIRS.finditer(rest):
                self._written(pair["one"], pair["of_one"] or pair["of_other"] or "")
                self._written(pair["other"], pair["of_other"] or pair["of_one"] or "")
            for found in NUMBERS.finditer(rest):
                self._written(found["digits"], found["unit"] or "")

    def _written(self, digits: str, unit: str) -> None:
        value = float(digits.replace(",", ""))
        self.values.update(value * scale for scale in _SCALES.get(unit.lower(), (1.0,)))
        self.values.add(value)
