"""How sure Quell may be: refit the confidence on what became of its own diagnoses."""

from __future__ import annotations

import asyncio

from analysis.calibration.model import Refit
from analysis.calibration.shipped import shipped
from app.operations.arguments import Who
from app.operations.context import Context
from app.operations.operation import post
from graphs.outcomes import judged_outcomes


@post("/api/calibrate", Refit)
async def calibrate(context: Context, *, dry_run: bool = False, by: Who = "api") -> Refit:
    """Refit the confidence on recorded outcomes; the old fit counts until the new one is measured to be better."""
    from analysis.calibration.refitting import refit  # here, as scipy takes its time to import

    async with context.store.read() as tx:
        outcomes = await judged_outcomes(tx)
        current = await tx.calibrations.current() or shipped()
    now = context.clock.now()
    result = await asyncio.to_thread(refit, outcomes, current, now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    if result.calibration is not None and not dry_run:
        async with context.store.write() as tx:
            await tx.calibrations.take(result.calibration, result.reason)
            await tx.audit.append(by, "calibration.taken", result.calibration.version, {"reason": result.reason})
    return result
