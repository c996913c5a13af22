"""Every change of a system judged against the symptoms that it could have caused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analysis.changes.assess import Assessment, assess
from analysis.changes.effective import Effective, effective
from analysis.changes.symptoms import Symptoms, symptoms_of
from analysis.config import AnalysisConfig
from analysis.topology import Topology
from analysis.view import SystemView
from core.models import Finding


def judge(
    view: SystemView, findings: Sequence[Finding], topology: Topology, config: AnalysisConfig, names: Sequence[str]
) -> dict[str, tuple[Assessment, ...]]:
    """The changes of each service that has any, oldest first.

    A change is judged by what its own service shows. Where nobody measures the service and it logs nothing, what its
    callers show has to do: of several callers the one that the change explains best.

    Args:
        names: of all services.
    """
    changed: dict[str, list[Effective]] = {}
    for one in effective(view.changes):
        changed.setdefault(one.service, []).append(one)
    measured = {frame.service for frame in view.signals} | {log.service for log in view.logs}
    judged = {}
    for service, ones in changed.items():
        where = [service] if service in measured else [service, *topology.callers(service)]
        symptoms = [symptoms_of(name, view, findings, names, config) for name in where]
        judged[service] = tuple(_strongest(one, symptoms, view, config, names) for one in ones)
    return judged


def _strongest(
    one: Effective, symptoms: Iterable[Symptoms], view: SystemView, config: AnalysisConfig, names: Sequence[str]
) -> Assessment:
    """The assessment against the symptoms that the change explains best; the service's own come first."""
    found = [assess(one, each, config, view.window.end, names) for each in symptoms]
    return max(found, key=lambda each: (round(each.score, 6), round(each.plausibility, 6)))
