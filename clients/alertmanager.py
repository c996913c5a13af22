"""Alertmanager's API v2: alerts, silences, status (https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml).

Read only: Quell honours silences, it makes none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from pydantic import AliasChoices, ConfigDict, Field, TypeAdapter, ValidationError

from clients import failures
from clients.connection import ConnectionSettings
from clients.failures import Server
from clients.http import JsonApi, Parameters
from core.clock import Clock
from core.errors import ConfigError, SourceError
from core.models import Model, Utc
from core.ports import SourceStatus

T = TypeVar("T")

MIN_VERSION = (0, 22)
"""The first whose silences may say `isEqual: false`."""


class AlertmanagerSettings(ConnectionSettings):
    """The `alertmanager` section of quell.yaml: asked for silences; it sends its alerts to Quell by itself."""


class _Told(Model):
    """Part of an answer; what is not asked for is left out."""

    model_config = ConfigDict(extra="ignore")


class SilenceMatcher(_Told):
    """One condition on one label."""

    name: str
    value: str
    is_regex: bool = Field(default=False, validation_alias=AliasChoices("isRegex", "is_regex"))
    is_equal: bool = Field(default=True, validation_alias=AliasChoices("isEqual", "is_equal"))

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels fulfil it; an absent label is an empty one. A pattern must fit the whole value,
        and its dot no line break.
        """
        value = labels.get(self.name, "")
        if not self.is_regex:
            return (value == self.value) is self.is_equal
        try:
            return (re.fullmatch(self.value, value) is not None) is self.is_equal
        except re.error:
            return False  # RE2 that Python cannot read: rather an alert too many


class _State(_Told):
    state: str


class Silence(_Told):
    """Alerts that somebody does not want to hear of for a while."""

    id: str
    matchers: tuple[SilenceMatcher, ...] = Field(min_length=1)
    starts_at: Utc = Field(validation_alias=AliasChoices("startsAt", "starts_at"))
    ends_at: Utc = Field(validation_alias=AliasChoices("endsAt", "ends_at"))
    created_by: str = Field(default="", validation_alias=AliasChoices("createdBy", "created_by"))
    comment: str = ""
    status: _State

    def covers(self, labels: Mapping[str, str], now: Utc) -> bool:
        """Whether it keeps an alert with these labels quiet now."""
        if self.status.state == "expired" or not self.starts_at <= now < self.ends_at:
            return False
        return all(matcher.matches(labels) for matcher in self.matchers)


class _AlertState(_State):
    silenced_by: tuple[str, ...] = Field(default=(), validation_alias=AliasChoices("silencedBy", "silenced_by"))
    inhibited_by: tuple[str, ...] = Field(default=(), validation_alias=AliasChoices("inhibitedBy", "inhibited_by"))


class ActiveAlert(_Told):
    """An alert as Alertmanager holds it."""

    fingerprint: str
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    starts_at: Utc = Field(validation_alias=AliasChoices("startsAt", "starts_at"))
    ends_at: Utc = Field(validation_alias=AliasChoices("endsAt", "ends_at"))
    generator_url: str = Field(default="", validation_alias=AliasChoices("generatorURL", "generator_url"))
    status: _AlertState


_ALERTS = TypeAdapter(tuple[ActiveAlert, ...])
_SILENCES = TypeAdapter(tuple[Silence, ...])


class Alertmanager:
    """One Alertmanager. Every method but `status` raises as `clients.http.JsonApi.get_json`."""

    name = "alertmanager"

    def __init__(self, settings: AlertmanagerSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._server = Server("Alertmanager", "alertmanager", settings.url)
        self._http = JsonApi(self._server, settings, clock)

    async def alerts(self, *, silenced: bool = True, inhibited: bool = True) -> tuple[ActiveAlert, ...]:
        """What fires now, as far as Alertmanager was told.

        Args:
            silenced: with those that a silence covers.
            inhibited: with those that another alert inhibits.
        """
        asked = {"active": "true", "silenced": _word(silenced), "inhibited": _word(inhibited)}
        return await self._list("/api/v2/alerts", _ALERTS, asked)

    async def silences(self) -> tuple[Silence, ...]:
        """Silences, those that are pending or expired too."""
        return await self._list("/api/v2/silences", _SILENCES, {})

    async def silence_of(self, labels: Mapping[str, str]) -> Silence | None:
        """A silence that covers an alert with these labels now."""
        now = self._clock.now()
        return next((each for each in await self.silences() if each.covers(labels, now)), None)

    async def status(self) -> SourceStatus:
        """Reachable when it answers as an Alertmanager of a version that is understood."""
        if not self._settings.url:
            return SourceStatus(
                name=self.name, configured=False, fix="set alertmanager.url, so that its silences are honoured"
            )
        try:
            answer = await self._http.get("/api/v2/status")
            document = await self._http.read(answer)
            version = str(document["versionInfo"]["version"])
        except (LookupError, TypeError) as error:
            problem: SourceError | ConfigError = failures.unexpected(self._server, f"{type(error).__name__} {error}")
        except (SourceError, ConfigError) as error:
            problem = error
        else:
            return self._well(version, failures.skew_told(answer.headers, self._clock.now()))
        return SourceStatus(name=self.name, configured=True, detail=problem.message, fix=problem.fix)

    def _well(self, version: str, skew: str) -> SourceStatus:
        old = failures.older(version, MIN_VERSION)
        detail, fix = (f"version {version} is too old", "upgrade Alertmanager") if old else (skew, "")
        return SourceStatus(
            name=self.name,
            configured=True,
            reachable=not old,
            version=version,
            detail=detail,
            fix=fix or ("set both clocks by NTP" if skew else ""),
        )

    async def _list(self, path: str, kind: TypeAdapter[T], parameters: Parameters) -> T:
        document = await self._http.get_json(path, parameters)
        try:
            return kind.validate_python(document)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise failures.unexpected(self._server, f"{where}: {first['msg']}") from error


def _word(flag: bool) -> str:
    return "true" if flag else "false"
