"""One labelled incident, and what became of it: the shape that every data set's loader and scorer share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from analysis.config import AnalysisConfig
from analysis.view import SystemView
from bench.result import Case, Figure, Peer
from core.models import Diagnosis, Finding


@dataclass(frozen=True, slots=True)
class Truth:
    """What a case's label says. Only scorers look at it.

    Attributes:
        service: the culprit, as the view names it.
        component: metric or resource of it, where the label knows one.
        labels: whatever else the data set's own scorer compares.
    """

    service: str
    component: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RcaCase:
    """One incident.

    Attributes:
        system: data set or system that it belongs to.
        name: unique within the system.
        group: fault kind or day, by which results are broken down.
        views: variant -> builds what the analysis may see; the first variant is the headline. Variants differ in
            what is given: onset given, estimated or moved, other references. Built when it is needed: views are large.
        config: windows and steps that fit the data's sampling; nothing else may differ between data sets.
        truth: reads the label; called by scorers only, after the diagnosis.
    """

    system: str
    name: str
    group: str
    views: Mapping[str, Callable[[], SystemView]]
    config: AnalysisConfig
    truth: Callable[[], Truth]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the agents said of one variant of a case.

    Attributes:
        variant: key of `RcaCase.views`.
        view: what they saw.
    """

    case: RcaCase
    variant: str
    view: SystemView
    findings: tuple[Finding, ...]
    diagnosis: Diagnosis


class DataSet(Protocol):
    """A loader module: `bench/rca/<data set>.py` has these three functions."""

    def cases(self, folder: Path) -> Sequence[RcaCase]:
        """Whatever cases the folder holds."""
        ...

    def score(self, outcomes: Sequence[Outcome]) -> tuple[list[Figure], list[Case]]:
        """Figures, and each case's result; outcomes hold every variant of every case."""
        ...

    def peers(self, cases: Sequence[RcaCase]) -> list[Peer]:
        """The simple baselines on the same cases."""
        ...
