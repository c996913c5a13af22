"""Which diagnoses are known to have been right: a human's word first, then a recovery that the metrics showed."""

from __future__ import annotations

from typing import Any

import pytest

from core.models import (
    Attempt,
    AttemptState,
    Decision,
    Diagnosis,
    FaultKind,
    Hypothesis,
    IncidentStatus,
    Judgement,
    Recovery,
    Rung,
    Verification,
)
from graphs.outcomes import judge_diagnosis, judged_outcomes
from stores.store import Store
from tests.stores.samples import NOON, attempt, incident, proposal

FEATURES = {"score": 0.8}


def decision(kind: FaultKind = FaultKind.HANG, identity: str = "dec_1", **fields: Any) -> Decision:
    first = Hypothesis(service="payment", kind=kind, statement="it hangs", probability=0.8, evidence_for=("ev_1",))
    diagnosis = Diagnosis(hypotheses=(first,), confidence=0.8, **{"features": FEATURES, **fields})
    return Decision(
        id=identity,
        incident_id="inc_1",
        agent="rca",
        agent_version="1",
        rung=Rung.RULES,
        result=diagnosis.model_dump_json(),
        confidence=0.8,
        at=NOON,
    )


def tried(service: str, recovery: Recovery, **fields: Any) -> Attempt:
    verification = Verification(recovery=recovery, seconds=30.0, detail="")
    return attempt(
        f"att_{service}_{recovery}",
        proposal(service),
        state=AttemptState.DONE,
        verification=verification,
        **fields,
    )


@pytest.mark.parametrize(
    ("said", "kind", "attempts", "right"),
    [
        ({}, FaultKind.HANG, (), None),
        ({"judged": Judgement.REAL}, FaultKind.HANG, (), None),
        ({"judged": Judgement.REAL}, FaultKind.FALSE_ALARM, (), False),
        ({"judged": Judgement.FALSE_ALARM}, FaultKind.HANG, (), False),
        ({"judged": Judgement.FALSE_ALARM}, FaultKind.FALSE_ALARM, (), True),
        ({"judged": Judgement.REAL, "judged_service": "payment"}, FaultKind.HANG, (), True),
        ({"judged": Judgement.REAL, "judged_service": "orders"}, FaultKind.HANG, (), False),
        ({"judged": Judgement.REAL, "judged_kind": FaultKind.HANG}, FaultKind.HANG, (), True),
        ({"judged_service": "payment", "judged_kind": FaultKind.CRASH}, FaultKind.HANG, (), False),
        ({}, FaultKind.HANG, (tried("payment", Recovery.RECOVERED),), True),
        ({}, FaultKind.HANG, (tried("payment", Recovery.NOT_RECOVERED),), None),
        ({}, FaultKind.HANG, (tried("payment", Recovery.RECOVERED, dry_run=True),), None),
        ({}, FaultKind.HANG, (tried("payment", Recovery.RECOVERED, undo_of="att_0"),), None),
        (
            {},
            FaultKind.HANG,
            (tried("payment", Recovery.NOT_RECOVERED), tried("orders", Recovery.RECOVERED)),
            False,
        ),
        ({"judged_service": "orders"}, FaultKind.HANG, (tried("payment", Recovery.RECOVERED),), False),
    ],
)
def test_who_says_so(said: dict[str, Any], kind: FaultKind, attempts: tuple[Attempt, ...], right: bool | None) -> None:
    found = judge_diagnosis(incident("inc_1", **said), [decision(kind)], attempts)
    assert (found.right if found else None) is right
    if found:
        assert (found.features, found.system) == (FEATURES, "payment")


def test_the_last_diagnosis_counts_and_one_without_a_cause_does_not() -> None:
    judged = incident("inc_1", judged=Judgement.FALSE_ALARM)
    both = [decision(FaultKind.HANG), decision(FaultKind.FALSE_ALARM, "dec_2")]
    found = judge_diagnosis(judged, both, ())
    assert found is not None
    assert found.right
    assert judge_diagnosis(judged, [], ()) is None
    assert judge_diagnosis(judged, [decision(features={})], ()) is None
    assert judge_diagnosis(judged, [decision(abstained="nothing stands out")], ()) is None


async def test_every_judged_incident_is_found_however_many_there_are(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphs.outcomes.PAGE", 3)
    async with store.write() as tx:
        for number in range(8):
            name = f"inc_{number}"
            judged = Judgement.FALSE_ALARM if number % 2 else None
            await tx.incidents.add(incident(name, status=IncidentStatus.CLOSED, judged=judged))
            await tx.decisions.add(decision(identity=f"dec_{number}").model_copy(update={"incident_id": name}))
    async with store.read() as tx:
        outcomes = await judged_outcomes(tx)
    assert [outcome.right for outcome in outcomes] == [False] * 4
