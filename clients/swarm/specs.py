"""Edits of a Swarm service's specification: pure, and of nothing but what an action means.

A specification is what ``GET /services/{id}`` tells and ``POST /services/{id}/update`` takes, whole. The mark of the
last action travels in its labels, so that it is there exactly when the update is.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from pydantic import ValidationError

from core.models import Model, ServiceKind

Json = dict[str, Any]

MARK_LABEL = "quell.action"
UPDATE_CONFIG_LABEL = "quell.update-config"
REPLICAS_LABEL = "quell.replicas"


class Mark(Model):
    """The last action of Quell on a service."""

    key: str
    action: str
    before: str = ""
    after: str = ""
    image_before: str = ""
    image_after: str = ""
    failed: bool = False


def mark_of(spec: Json) -> Mark | None:
    """The mark in a specification; None without one, or with one that is not ours."""
    text = (spec.get("Labels") or {}).get(MARK_LABEL)
    try:
        return Mark.model_validate_json(text) if text else None
    except ValidationError:
        return None


def image_of(spec: Json) -> str:
    """Image reference of the service."""
    return str(spec["TaskTemplate"].get("ContainerSpec", {}).get("Image", ""))


def force_of(spec: Json) -> int:
    """Forced-update counter of a service's or a task's template."""
    return int(spec.get("ForceUpdate") or 0)


def replicas_of(spec: Json) -> int | None:
    """How many tasks are wanted; None for a service with one on each node."""
    replicated = (spec.get("Mode") or {}).get("Replicated")
    return None if replicated is None else int(replicated.get("Replicas", 1))


def replicas_before_stop(spec: Json) -> int:
    """How many there were before Quell stopped the service; 1 when that is not known."""
    told = str((spec.get("Labels") or {}).get(REPLICAS_LABEL, ""))
    return int(told) if told.isdigit() and int(told) > 0 else 1


def scaled(spec: Json, replicas: int) -> Json:
    """With that many replicas, and nothing else changed; scaling to none keeps the count for the way back."""
    edited, before = copy.deepcopy(spec), replicas_of(spec)
    edited["Mode"]["Replicated"]["Replicas"] = replicas
    if replicas == 0 and before:
        edited.setdefault("Labels", {})[REPLICAS_LABEL] = str(before)
    return edited


def forced(spec: Json) -> Json:
    """With the forced-update counter raised: every task is replaced, a few at a time."""
    edited = copy.deepcopy(spec)
    edited["TaskTemplate"]["ForceUpdate"] = force_of(spec["TaskTemplate"]) + 1
    return edited


def with_image(spec: Json, image: str) -> Json:
    """On another image."""
    edited = copy.deepcopy(spec)
    edited["TaskTemplate"]["ContainerSpec"]["Image"] = image
    return edited


def marked(spec: Json, mark: Mark) -> Json:
    """With the mark of an action."""
    edited = copy.deepcopy(spec)
    labels = edited.get("Labels") or {}
    edited["Labels"] = {**labels, MARK_LABEL: mark.model_dump_json()}
    return edited


def gentle(spec: Json, kind: ServiceKind) -> Json:
    """With an order of update that keeps healthy replicas; what it was before is kept in a label.

    A task is started before the one it replaces is stopped, unless both cannot run at once: they publish a port of the
    host, write to one volume, or hold data.
    """
    order = "stop-first" if kind is not ServiceKind.STATELESS or _exclusive(spec) else "start-first"
    config = spec.get("UpdateConfig")
    wanted = {"Parallelism": 1, **(config or {}), "Order": order, "FailureAction": "pause"}
    if config == wanted:
        return spec
    edited = copy.deepcopy(spec)
    edited["UpdateConfig"] = wanted
    labels = edited.get("Labels") or {}
    edited["Labels"] = {UPDATE_CONFIG_LABEL: json.dumps(config), **labels}
    return edited


def ungentle(spec: Json) -> Json | None:
    """With its own way of updating again; None when nothing is to be put back."""
    labels = dict(spec.get("Labels") or {})
    kept = labels.pop(UPDATE_CONFIG_LABEL, None)
    if kept is None:
        return None
    edited = copy.deepcopy(spec)
    edited["Labels"] = labels
    try:
        config = json.loads(kept)
    except ValueError:
        config = None
    if config:
        edited["UpdateConfig"] = config
    else:
        edited.pop("UpdateConfig", None)
    return edited


def _exclusive(spec: Json) -> bool:
    ports = (spec.get("EndpointSpec") or {}).get("Ports") or []
    mounts = spec["TaskTemplate"].get("ContainerSpec", {}).get("Mounts") or []
    return any(port.get("PublishMode") == "host" for port in ports) or any(
        not mount.get("ReadOnly") and mount.get("Type") in ("bind", "volume") for mount in mounts
    )
