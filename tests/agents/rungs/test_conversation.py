"""What a conversation with a model shows it, and what it cost, whatever came of it."""

from __future__ import annotations

import pytest

from agents import rca
from agents.ladder import climb
from agents.ladder_policy import LadderPolicy
from agents.looking.progress import Looked, begun, heard, looked
from agents.looking.telling import Barred
from agents.redaction import Redactor
from agents.rungs.conversation import Conversation
from agents.rungs.verification import Verdict
from clients.models.recorded import decode, encode_failure
from core.errors import ModelLate, ModelUnavailable, SourceError, SourceRejected
from core.llm import Message, ModelRequest, ModelTask, Purpose, Speaker
from core.models import EscalationReason, Severity
from core.ports import ChatModel
from tests.agents.rungs.cases import Case, asking, burnt
from tests.fakes.chat import ReciteModel

REASONS = EscalationReason
TURNS = 3


@pytest.fixture(name="burnt", scope="module")
def the_burnt_case() -> Case:
    return burnt()


def billed(error: SourceError) -> SourceError:
    """As the books hand it on: the server may have worked for it."""
    error.cost_usd = 0.02
    return error


async def look(model: ChatModel, request: ModelRequest, redactor: Redactor, barred: Barred) -> Looked:
    """Asks in several turns."""
    progress = begun(request)
    for _ in range(TURNS):
        progress = heard(progress, await model.complete(request))
    return looked(progress)


async def test_the_turns_of_a_look_that_breaks_off_are_paid_and_counted(burnt: Case) -> None:
    model = ReciteModel(["one", "two", billed(ModelLate("late"))])
    answer = await climb(
        rca.SPEC, burnt.rca, policy=LadderPolicy(), severity=Severity.CRITICAL, asking=asking(model, look=look)
    )
    assert [step.reason for step in answer.escalations] == [REASONS.CRITICAL_SEVERITY, REASONS.TIMEOUT]
    assert answer.cost_usd == 0.022


async def test_a_look_that_ends_well_is_counted_once(burnt: Case) -> None:
    model = ReciteModel(["one", "two", "no JSON", "nor this"])
    answer = await climb(
        rca.SPEC, burnt.rca, policy=LadderPolicy(), severity=Severity.CRITICAL, asking=asking(model, look=look)
    )
    assert [step.reason for step in answer.escalations] == [REASONS.CRITICAL_SEVERITY, REASONS.INVALID_OUTPUT]
    assert answer.cost_usd == 0.004


@pytest.mark.parametrize("error", [ModelLate("late"), ModelUnavailable("cut"), SourceRejected("no")])
def test_a_record_of_a_failure_keeps_what_it_cost(error: SourceError) -> None:
    with pytest.raises(type(error)) as told:
        decode(encode_failure(billed(error)), "key")
    assert told.value.cost_usd == 0.02
    with pytest.raises(ModelLate) as older:
        decode(b'{"error": {"kind": "ModelLate", "message": "late", "fix": ""}}', "key")
    assert older.value.cost_usd == 0.0


async def test_what_the_builder_of_a_prompt_forgot_is_hidden_before_it_is_sent() -> None:
    model = ReciteModel(['{"holds": true, "confidence": 0.9, "objection": ""}'])
    message = Message(speaker=Speaker.USER, text="it says password=hunter2hunter2")
    request = ModelRequest(task=ModelTask.VERIFICATION, messages=(message,), purpose=Purpose(agent="rca"))
    await Conversation(model, Redactor()).hear(request, Verdict, {}, lambda verdict: verdict)
    assert model.requests[0].messages[0].text == "it says password=[password-1]"
