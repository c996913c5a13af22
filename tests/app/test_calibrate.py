"""`quell calibrate` on a real store: judged incidents move the confidence, and only when that is measured to help."""

from __future__ import annotations

import numpy as np

from analysis.calibration.model import Calibration, Coefficient
from app.operations.calibration import calibrate
from app.operations.context import Context
from app.operations.local import Local
from core.models import Decision, Diagnosis, FaultKind, Hypothesis, IncidentStatus, Judgement, Rung
from stores.store import Store
from tests.stores.samples import NOON, incident

FLAT = Calibration(version="flat", intercept=0.0, coefficients=(Coefficient(name="score", mean=0, scale=1, weight=0),))


async def fill(store: Store, count: int) -> None:
    """Judged diagnoses of four services, whose score tells whether they were right."""
    random = np.random.default_rng(3)
    async with store.write() as tx:
        await tx.calibrations.take(FLAT, "for the test")
        for number in range(count):
            name, service, score = f"inc_{number}", f"s{number % 4}", float(random.uniform(-3, 3))
            right = bool(random.uniform() < 1 / (1 + np.exp(-2 * score)))
            judged = {"judged": Judgement.REAL, "judged_service": service if right else "another"}
            await tx.incidents.add(incident(name, status=IncidentStatus.CLOSED, **judged))
            first = Hypothesis(service=service, kind=FaultKind.HANG, statement="", probability=0.5, evidence_for=("e",))
            diagnosis = Diagnosis(hypotheses=(first,), confidence=0.5, features={"score": round(score, 3)})
            await tx.decisions.add(
                Decision(
                    id=f"dec_{number}",
                    incident_id=name,
                    agent="rca",
                    agent_version="1",
                    rung=Rung.RULES,
                    result=diagnosis.model_dump_json(),
                    confidence=0.5,
                    at=NOON,
                )
            )


async def test_outcomes_that_the_old_fit_does_not_know_replace_it(context: Context, store: Store) -> None:
    await fill(store, 80)
    local = Local(context)
    tried = await local.call(calibrate, dry_run=True, by="ann")
    assert tried.taken
    async with store.read() as tx:
        assert await tx.calibrations.current() == FLAT, "a dry run takes nothing"
    taken = await local.call(calibrate, by="ann")
    assert taken == tried
    async with store.read() as tx:
        assert await tx.calibrations.current() == taken.calibration
        (entry,) = await tx.audit.entries()
    assert (entry.actor, entry.action) == ("ann", "calibration.taken")
    assert taken.new is not None
    assert taken.new.skill > 0.2
    again = await local.call(calibrate, by="ann")
    assert not again.taken
    assert "not measured to be better" in again.reason


async def test_too_few_outcomes_change_nothing(context: Context, store: Store) -> None:
    await fill(store, 5)
    result = await Local(context).call(calibrate, by="ann")
    assert (result.taken, result.outcomes) == (False, 5)
