"""What the agents were given on a recorded incident, rebuilt from its bundle: for benchmarks that ask them anew."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.config import AnalysisConfig
from analysis.view import SystemView
from core.errors import BundleError
from core.models import Alert, Evidence, Incident, Service
from graphs.bundle import Bundle
from graphs.queries import in_view, recorded_view
from graphs.replay import offline, reopened
from graphs.scratch import ObservingRemedy, scratch_runner, scratch_store


@dataclass(frozen=True, slots=True)
class Seen:
    """A recorded incident at its last look, before anything was done about it.

    Attributes:
        services: the inventory of then.
        view: the raw data behind `evidence`, read back as the graph reads it.
        evidence: what the view rests on.
    """

    incident: Incident
    alerts: tuple[Alert, ...]
    services: tuple[Service, ...]
    config: AnalysisConfig
    view: SystemView
    evidence: tuple[Evidence, ...]


async def seen(bundle: Bundle) -> Seen:
    """Run the graph on the recording up to where it would act, and say what it then knows.

    Raises:
        BundleError: the bundle lacks what the run needs.
    """
    began, clock = reopened(bundle)
    incident = began.incident
    make_context = await offline(bundle, clock, ObservingRemedy(clock))
    async with scratch_store(clock, incident, began.alerts) as store:
        runner, lease = await scratch_runner(store, incident.id, lambda lease: make_context(store, lease))
        await runner.run(incident.id, lease)
        state, context = await runner.state(incident.id), make_context(store, lease)
        if "evidence" not in state:
            raise BundleError(f"{incident.id} was never investigated", fix="export it after it was")
        return Seen(
            incident=incident,
            alerts=tuple(state["alerts"]),
            services=tuple(context.inventory.all()),
            config=context.analysis,
            view=await recorded_view(state, context),
            evidence=await in_view(state, context),
        )
