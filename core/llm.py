"""Conversations with language models, as they pass between agents and clients; no client's types beyond this."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from core.models.base import Model, Rung


class ModelTask(StrEnum):
    """What a model is asked for: it decides which model is asked, and how long it may take."""

    CLASSIFICATION = "classification"
    ANOMALY = "anomaly"
    RCA = "rca"
    PLANNING = "planning"
    LOG_CLASSIFICATION = "log_classification"
    SUMMARY = "summary"
    VERIFICATION = "verification"


class Speaker(StrEnum):
    """Who says a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class ToolCall(Model):
    """A call that a model asks for; its arguments are a stranger's text until they are checked."""

    id: str
    name: str
    arguments: str = Field(description="as the model wrote them; meant to be a JSON object")


class Message(Model):
    """One turn of a conversation."""

    speaker: Speaker
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = Field(default=(), description="of an assistant's turn")
    answers: str = Field(default="", description="id of the tool call that a tool's turn answers")


class ToolSpec(Model):
    """A tool that a model may ask to call."""

    name: str
    description: str
    parameters: dict[str, Any] = Field(description="JSON Schema of the arguments")


class Purpose(Model):
    """On whose behalf a model is asked: what its cost is booked on, and whose policy binds it."""

    agent: str
    incident_id: str = ""
    service: str = ""
    user: str = ""


class ModelRequest(Model):
    """One question to a model.

    Critical incidents are `urgent`: the router may choose a quicker model for them.
    """

    task: ModelTask
    messages: tuple[Message, ...]
    response_schema: dict[str, Any] | None = Field(default=None, description="JSON Schema that the answer must obey")
    tools: tuple[ToolSpec, ...] = ()
    max_output_tokens: int = Field(default=1024, ge=1)
    deadline_seconds: float | None = Field(default=None, gt=0, description="None: the one configured for the task")
    urgent: bool = False
    purpose: Purpose


class ModelReply(Model):
    """What a model answered.

    Attributes are as the server counted them where it did.
    """

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    model: str
    rung: Rung
    prompt_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)
    cost_usd: float = Field(default=0.0, ge=0)
    seconds: float = Field(default=0.0, ge=0)
    cut: bool = Field(default=False, description="the answer ended at the limit of tokens")
    notes: tuple[str, ...] = Field(
        default=(), description="what was done aloud: prompt shortened, another model asked than configured ..."
    )
