"""A made-up shop of six services as the analysis sees it: quiet noise, faults put in, views taken out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from analysis.config import AnalysisConfig
from analysis.view import ChangeView, LogFrame, SignalFrame, StateView, SystemView
from core.frames import Floats, LogLine
from core.models import Change, RunState, ServiceState, Severity, Signal, Window

DEPENDENCIES: dict[str, tuple[str, ...]] = {
    "gateway": ("catalogue", "cart", "orders"),
    "catalogue": ("cache",),
    "cart": ("cache",),
    "orders": ("payment", "cart"),
    "payment": (),
    "cache": (),
}
TRAFFIC = {"gateway": 30.0, "catalogue": 12.0, "cart": 20.0, "orders": 8.0, "payment": 8.0, "cache": 30.0}
UNITS = {
    Signal.ERRORS: "ratio",
    Signal.LATENCY: "seconds",
    Signal.TRAFFIC: "requests/s",
    Signal.CPU: "cores",
    Signal.MEMORY: "bytes",
    Signal.UP: "ratio",
}
END = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
CONFIG = AnalysisConfig(window_seconds=7, baseline_seconds=15, step_seconds=0.5, rate_window_seconds=2)
WINDOW = Window(start=END - timedelta(seconds=7), end=END)
BASELINE = Window(start=WINDOW.start - timedelta(seconds=15), end=WINDOW.start)


class Shop:
    """Series, states, changes and lines of every service; faults begin `fault_seconds` before the end."""

    def __init__(self, seed: int = 1, fault_seconds: float = 5.0) -> None:
        self.random = np.random.default_rng(seed)
        self.times: Floats = np.arange(BASELINE.start.timestamp(), END.timestamp() + 0.25, CONFIG.step_seconds)
        self.fault_at = END.timestamp() - fault_seconds
        self.values = {(name, signal): self._normal(name, signal) for name in DEPENDENCIES for signal in UNITS}
        self.states = {name: self._state(name) for name in DEPENDENCIES}
        self.changes: list[Change] = []
        self.lines: dict[str, list[LogLine]] = {name: self._chatter(name) for name in DEPENDENCIES}
        self.dependencies = dict(DEPENDENCIES)

    def _normal(self, service: str, signal: Signal) -> Floats:
        """Noise as a healthy shop on a busy machine makes it."""
        n, random = self.times.size, self.random
        if signal is Signal.ERRORS:
            return np.where(random.random(n) < 0.03, 0.01, 0.0)
        if signal is Signal.LATENCY:
            return 0.025 * random.lognormal(0.0, 0.5, n)
        if signal is Signal.TRAFFIC:
            return TRAFFIC[service] * (1 + 0.08 * random.standard_normal(n))
        if signal is Signal.CPU:
            return np.abs(0.08 + 0.03 * random.standard_normal(n))
        if signal is Signal.MEMORY:
            return 40e6 + np.cumsum(random.integers(0, 20_000, n)).astype(float)
        return np.ones(n)

    def _state(self, service: str) -> ServiceState:
        return ServiceState(service=service, at=END, state=RunState.RUNNING, healthy=True, pid=7, cpu_percent=8.0)

    def _chatter(self, service: str) -> list[LogLine]:
        """Every service logs a line a second, and warns now and then."""
        lines = []
        for index, time in enumerate(self.times[::2]):
            warns = index % 9 == 0
            text = f"slow call took {index} ms" if warns else f"handled request {index}"
            severity = Severity.WARNING if warns else Severity.INFO
            lines.append(LogLine(at=datetime.fromtimestamp(time, UTC), service=service, text=text, severity=severity))
        return lines

    @property
    def faulty(self) -> npt.NDArray[np.bool_]:
        """Mask of the samples since the fault."""
        return self.times >= self.fault_at

    def ramp(self, service: str, signal: Signal, level: float) -> None:
        """Raise a signal to a level as a rate over `rate_window_seconds` does: not at once."""
        grown = np.clip((self.times - self.fault_at) / CONFIG.rate_window_seconds, 0, 1)
        noise = 1 + 0.05 * self.random.standard_normal(self.times.size)
        raised = np.maximum(self.values[service, signal], level * grown * noise)
        self.values[service, signal] = np.where(self.faulty, raised, self.values[service, signal])

    def silence(self, service: str, *, down: bool = True) -> None:
        """The service is not scraped any more."""
        for signal in UNITS:
            gone = 0.0 if signal is Signal.UP else np.nan
            if signal is not Signal.UP or down:
                self.values[service, signal] = np.where(self.faulty, gone, self.values[service, signal])

    def suffer(self, service: str, *, errors: float = 0.0, latency: float = 0.0) -> None:
        """The service fails or slows down, and says so in its log."""
        if errors:
            self.ramp(service, Signal.ERRORS, errors)
        if latency:
            self.ramp(service, Signal.LATENCY, latency)
        start = datetime.fromtimestamp(self.fault_at, UTC)
        for tenth in range(0, 40, 5):
            at = start + timedelta(seconds=tenth / 10)
            self.lines[service].append(
                LogLine(at=at, service=service, text=f"call failed after {tenth} ms", severity=Severity.CRITICAL)
            )

    def set_state(self, service: str, **fields: object) -> None:
        """What the actuator says of the service."""
        self.states[service] = self.states[service].model_copy(update=fields)

    def callers_suffer(self, service: str, *, failures: float, latency: float) -> None:
        """Whoever calls the service, directly or not, fails as many requests a second, and waits as long."""
        for caller in [name for name, callees in DEPENDENCIES.items() if service in callees]:
            passed_on = min(failures, TRAFFIC[caller])
            self.suffer(caller, errors=passed_on / TRAFFIC[caller], latency=latency)
            self.callers_suffer(caller, failures=passed_on, latency=latency)

    def kill(self, service: str) -> None:
        """SIGKILL."""
        self.silence(service)
        self.set_state(service, state=RunState.EXITED, healthy=False, exit_code=-9, pid=None, cpu_percent=None)
        self.changes.append(Change(service=service, kind="exit", at=datetime.fromtimestamp(self.fault_at, UTC)))
        self.callers_suffer(service, failures=TRAFFIC[service], latency=0.0)

    def exhaust_memory(self, service: str) -> None:
        """The kernel kills it at the limit of its container."""
        self.kill(service)
        self.set_state(service, out_of_memory=True)

    def suspend(self, service: str) -> None:
        """SIGSTOP: callers wait for their timeouts."""
        self.silence(service)
        self.set_state(service, state=RunState.SUSPENDED, healthy=False, cpu_percent=0.0)
        self.callers_suffer(service, failures=TRAFFIC[service], latency=1.2)

    def burn(self, service: str, *, scraped: bool = True) -> None:
        """Wedged workers: a core is busy, requests are slow or fail."""
        self.set_state(service, healthy=False, cpu_percent=97.0)
        if scraped:
            self.ramp(service, Signal.CPU, 0.95)
            self.suffer(service, errors=0.2, latency=0.9)
        else:
            self.silence(service)
        self.callers_suffer(service, failures=0.5 * TRAFFIC[service], latency=1.0)

    def leak(self, service: str, *, bytes_per_second: float = 10e6, limit: float = 160e6) -> None:
        """Memory is not given back; the service answers as ever, and its limit is known."""
        age = np.clip(self.times - self.fault_at, 0, None)
        self.values[service, Signal.MEMORY] = self.values[service, Signal.MEMORY] + bytes_per_second * age
        self.values[service, Signal.MEMORY_LIMIT] = np.full(age.size, limit)

    def deploy(self, service: str, *, seconds_before_fault: float = 1.0, release: str = "v2") -> None:
        """Another release; harmless by itself."""
        at = datetime.fromtimestamp(self.fault_at - seconds_before_fault, UTC)
        self.changes.append(Change(service=service, kind="deploy", at=at, before="v1", after=release))
        self.set_state(service, release=release, previous_release="v1")

    def bad_release(self, service: str) -> None:
        """Errors burst right after a deploy."""
        self.deploy(service)
        self.suffer(service, errors=0.6)
        self.callers_suffer(service, failures=0.6 * TRAFFIC[service], latency=0.0)

    def view(self, symptom: str = "gateway", *, without: frozenset[Signal] = frozenset()) -> SystemView:
        """What the analysis gets."""
        return SystemView(
            symptom=symptom,
            window=WINDOW,
            baseline=BASELINE,
            signals=tuple(
                SignalFrame(
                    name,
                    signal,
                    f"{signal}_metric",
                    UNITS.get(signal, "bytes"),
                    self.times,
                    values,
                    f"ev-{name}-{signal}",
                )
                for (name, signal), values in self.values.items()
                if signal not in without
            ),
            logs=tuple(LogFrame(name, tuple(lines), f"ev-{name}-logs") for name, lines in self.lines.items()),
            states=tuple(StateView(state, f"ev-{name}-state") for name, state in self.states.items()),
            changes=tuple(ChangeView(change, f"ev-{change.service}-changes") for change in self.changes),
            dependencies=self.dependencies,
            topology_evidence="ev-topology",
            alert_evidence="ev-alerts",
        )


def evidence_ids(view: SystemView) -> set[str]:
    """Everything that may be cited."""
    parts = (*view.signals, *view.logs, *view.states, *view.changes)
    return {part.evidence for part in parts} | {view.topology_evidence, view.alert_evidence}


FAULTS: Mapping[str, tuple[str, str]] = {
    "kill": ("payment", "crash"),
    "exhaust_memory": ("cache", "memory_limit"),
    "suspend": ("cache", "hang"),
    "burn": ("catalogue", "cpu_saturation"),
    "bad_release": ("orders", "bad_release"),
    "leak": ("cache", "memory_leak"),
}
"""Method of the shop -> (service it is called with, fault kind that must be found)."""
