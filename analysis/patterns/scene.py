"""What a pattern may look at: one service, what it calls and what calls it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from analysis.config import AnalysisConfig
from analysis.topology import Topology
from analysis.view import ChangeView, StateView, SystemView
from core.models import Finding


@dataclass(frozen=True, slots=True)
class Scene:
    """One service with its surroundings.

    Attributes:
        findings, changes, states: by service; changes are those of the last ``config.change_lookback_seconds``,
            oldest first.
        end: of the analysed window.
    """

    service: str
    findings: Mapping[str, tuple[Finding, ...]]
    changes: Mapping[str, tuple[ChangeView, ...]]
    states: Mapping[str, StateView]
    topology: Topology
    config: AnalysisConfig
    end: datetime

    def at(self, service: str) -> Scene:
        """The same surroundings, seen from another service."""
        return Scene(service, self.findings, self.changes, self.states, self.topology, self.config, self.end)

    @property
    def own(self) -> tuple[Finding, ...]:
        """Findings of the service."""
        return self.findings.get(self.service, ())

    @property
    def onset(self) -> datetime | None:
        """When its first finding began; None without one."""
        return min((finding.onset for finding in self.own), default=None)


def scenes(
    view: SystemView, findings: tuple[Finding, ...], topology: Topology, config: AnalysisConfig
) -> tuple[Scene, ...]:
    """One scene for every service that has a finding, a change or a state, in the order of the view."""
    end = view.window.end
    oldest = end - timedelta(seconds=config.change_lookback_seconds)
    told: dict[str, list[Finding]] = {}
    for finding in findings:
        told.setdefault(finding.service, []).append(finding)
    changed: dict[str, list[ChangeView]] = {}
    for one in sorted(view.changes, key=lambda one: one.change.at):
        if oldest <= one.change.at <= end:
            changed.setdefault(one.change.service, []).append(one)
    states = {one.state.service: one for one in view.states}
    everything = (
        {name: tuple(found) for name, found in told.items()},
        {name: tuple(found) for name, found in changed.items()},
        states,
    )
    return tuple(Scene(name, *everything, topology, config, end) for name in dict.fromkeys((*told, *changed, *states)))
