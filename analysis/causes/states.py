"""What the actuator's word on a service adds: halted, unhealthy, or busy beyond what scraping could still see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from analysis.config import AnalysisConfig
from analysis.rounding import instant, significant
from analysis.series.baselines import Baseline
from analysis.series.readings import read
from analysis.view import StateView, SystemView
from core.models import Finding, RunState, Shape, Signal

GONE = (RunState.EXITED, RunState.MISSING, RunState.STOPPED)
"""States in which no process of the service runs."""

HALTED = (*GONE, RunState.SUSPENDED)
"""States in which a service cannot answer, whatever its metrics say."""

_ENDS = ("exit", "stop")


def state_findings(
    seen: StateView, view: SystemView, findings: Sequence[Finding], config: AnalysisConfig
) -> list[Finding]:
    """Findings from one service's state; `findings` of the series tell when it began."""
    found = [_not_answering(seen, view, findings, config), _burning(seen, view, findings, config)]
    return [finding for finding in found if finding is not None]


def _not_answering(
    seen: StateView, view: SystemView, findings: Sequence[Finding], config: AnalysisConfig
) -> Finding | None:
    """The service is halted, or runs without passing its health check."""
    state = seen.state
    halted = state.state in HALTED
    if not halted and (state.state is not RunState.RUNNING or state.healthy is not False):
        return None
    onset, uncertainty_seconds = _onset(state.service, view, findings, halted=halted)
    code = "" if state.exit_code is None else f" (exit code {state.exit_code})"
    return Finding(
        service=state.service,
        signal=Signal.STATE,
        shape=Shape.STATE,
        metric="state" if halted else "health",
        onset=onset,
        onset_uncertainty_seconds=uncertainty_seconds,
        magnitude=config.max_z if halted else config.robust_z,
        text=f"{state.service} is {state.state.value}{code if halted else ' but fails its health check'}",
        evidence=(seen.evidence,),
    )


def _burning(seen: StateView, view: SystemView, findings: Sequence[Finding], config: AnalysisConfig) -> Finding | None:
    """The service uses far more CPU than usual, as its actuator measured: too busy, it may not be scraped any more."""
    state = seen.state
    if state.cpu_percent is None:
        return None
    frame = next((one for one in view.signals if one.service == state.service and one.signal is Signal.CPU), None)
    normal = read(frame, view.window, view.baseline, config).normal if frame else None
    usual = normal or Baseline(0.0, config.floor(Signal.CPU).absolute, 0)
    cores = state.cpu_percent / 100
    rise_cores = cores - usual.median
    if rise_cores < config.saturated_rise_cores:
        return None
    onset, uncertainty_seconds = _onset(state.service, view, findings, halted=False)
    return Finding(
        service=state.service,
        signal=Signal.CPU,
        shape=Shape.LEVEL_SHIFT,
        metric="cpu_percent",
        onset=onset,
        onset_uncertainty_seconds=uncertainty_seconds,
        magnitude=significant(min(rise_cores / usual.scale, config.max_z)) if usual.scale else config.max_z,
        current=significant(cores),
        baseline=significant(usual.median),
        text=f"{state.service} uses {significant(cores):g} cores, usually {significant(usual.median):g}",
        evidence=(seen.evidence,),
    )


def _onset(service: str, view: SystemView, findings: Sequence[Finding], *, halted: bool) -> tuple[datetime, float]:
    """Time and uncertainty in seconds: the recorded exit or stop, else when `up` fell, else anywhere in the window."""
    ends = [one.change.at for one in view.changes if one.change.service == service and one.change.kind in _ENDS]
    if halted and ends:
        return instant(max(ends).timestamp()), 0.0
    for finding in findings:
        if finding.service == service and finding.signal is Signal.UP:
            return finding.onset, finding.onset_uncertainty_seconds
    return instant(view.window.end.timestamp()), significant(view.window.seconds)
