"""The settings a run was made with, kept beside its recordings: a replay must not depend on today's configuration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Self

from pydantic import Field

from agents.data_policy import DataPolicy
from agents.ladder_policy import LadderPolicy
from analysis.calibration.model import Calibration
from analysis.calibration.shipped import shipped
from analysis.config import AnalysisConfig
from core.errors import BundleError
from core.models import Model, Rung, Service
from graphs.bundle import recorded_model
from graphs.context import IncidentContext
from tools.signals import SignalSpec

PORT, KEY = "settings", "run"


class RunSettings(Model):
    """All that changes what a run concludes, besides its data."""

    services: tuple[Service, ...]
    signals: tuple[SignalSpec, ...]
    analysis: AnalysisConfig
    ladder: LadderPolicy
    calibration: Calibration
    max_rounds: int
    max_looks: int
    rungs: tuple[Rung, ...] = Field(default=(), description="those that could ask a model")
    data_policy: DataPolicy = DataPolicy()

    @classmethod
    async def recorded(cls, look_up: Callable[[str, str], Awaitable[bytes | None]]) -> Self:
        """Read them back.

        Raises:
            BundleError: they were never recorded, or by another version.
        """
        payload = await look_up(PORT, KEY)
        if payload is None:
            raise BundleError(
                "the record ends before the investigation began", fix="export the incident after it was investigated"
            )
        return recorded_model(cls, payload, "settings")


async def keep_settings(context: IncidentContext, incident_id: str) -> None:
    """Record the settings of this run, once: a calibration that is taken later is for later runs."""
    async with context.store.read() as tx:
        calibration = context.calibration or await tx.calibrations.current() or shipped()
    settings = RunSettings(
        calibration=calibration,
        services=tuple(context.inventory.all()),
        signals=tuple(context.signals),
        analysis=context.analysis,
        ladder=context.ladder,
        max_rounds=context.max_rounds,
        max_looks=context.max_looks,
        rungs=tuple(sorted(context.models)),
        data_policy=context.data_policy,
    )
    async with context.store.write() as tx:
        await tx.leases.check(context.lease)
        await tx.recordings.add(incident_id, "", PORT, KEY, settings.model_dump_json().encode())


async def kept_settings(context: IncidentContext, incident_id: str) -> RunSettings:
    """The settings that this run began with.

    Raises:
        BundleError: they were recorded by another version.
    """

    async def look_up(port: str, key: str) -> bytes | None:
        async with context.store.read() as tx:
            return await tx.recordings.find(incident_id, port, key)

    return await RunSettings.recorded(look_up)
