"""Changes as they pass between who reports them and the analysis: a question, a page, and what a report may say."""

from __future__ import annotations

import json
from enum import StrEnum

from pydantic import Field

from core.models.base import Model, Utc, Window, content_id
from core.models.services import Change
from core.redaction import redact_text

MAX_TEXT_CHARACTERS = 16_000
"""Of a diff that are kept."""
MAX_LINE_CHARACTERS = 500
MAX_PATHS = 200


class ChangeKind(StrEnum):
    """What somebody may report."""

    DEPLOY = "deploy"
    IMAGE = "image"
    CONFIG = "config"
    FLAG = "flag"
    COMMIT = "commit"
    RESTART = "restart"
    SCALE = "scale"


class ReportedChange(Model):
    """A change as a pipeline, a flag system or a person reports it."""

    service: str = Field(
        default="",
        max_length=200,
        description="name in the inventory; empty for a commit, of which a deploy says where it went",
    )
    kind: ChangeKind
    at: Utc | None = Field(default=None, description="when it took effect; empty: now")
    actor: str = Field(default="", max_length=200, description="who did it")
    before: str = Field(default="", max_length=500, description="release, value or image before")
    after: str = Field(default="", max_length=500, description="release, value or image after")
    reference: str = Field(
        default="", max_length=200, description="commit id, flag or ticket: deploys name their commit"
    )
    title: str = Field(default="", max_length=5000, description="one line for people, such as a commit's subject")
    diff: str = Field(default="", max_length=1_000_000, description="what was changed; cut and cleaned of secrets")
    paths: tuple[str, ...] = Field(default=(), max_length=5000, description="files that it touches")


class ChangeQuery(Model):
    """A question to a source of changes about one service, and about commits that belong to none."""

    service: str
    window: Window

    @property
    def key(self) -> str:
        """Canonical JSON: equal queries have equal keys."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


class ChangePage(Model):
    """Changes, oldest first.

    ``unanswered`` says in words which sources did not answer, and why.
    """

    changes: tuple[Change, ...] = ()
    unanswered: tuple[str, ...] = ()


def cleaned(change: Change) -> Change:
    """The change with texts of bounded length and without what looks like a secret."""
    return change.model_copy(
        update={
            "actor": _line(change.actor),
            "before": _line(change.before),
            "after": _line(change.after),
            "detail": _line(change.detail),
            "reference": _line(change.reference),
            "text": redact_text(change.text)[:MAX_TEXT_CHARACTERS],
            "paths": tuple(_line(path) for path in change.paths[:MAX_PATHS]),
        }
    )


def change_id(change: Change) -> str:
    """Names a change by what it is: reported twice, it is the same."""
    told = (change.service, change.kind, change.at.isoformat(), change.before, change.after, change.reference)
    return content_id("chg", *told)


def _line(text: str) -> str:
    return redact_text(" ".join(text.split()))[:MAX_LINE_CHARACTERS]
