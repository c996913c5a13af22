"""What runs on an engine, as services: from Swarm, Compose and plain containers, with where each part came from.

Names: the label ``quell.service``; else the Compose or stack service's own name, unless two projects use it; else the
container's. Dependencies: Compose's ``depends_on``, which Compose itself writes into the label
``com.docker.compose.depends_on``, and the label ``quell.dependencies``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clients.docker.engine import Engine
from clients.docker.watch import SWARM_SERVICE_LABEL, TEMPORARY
from core.models import Identity, Service

Json = dict[str, Any]

NAME_LABEL = "quell.service"
DEPENDENCIES_LABEL = "quell.dependencies"
_COMPOSE = "com.docker.compose"
_STACK_LABEL = "com.docker.stack.namespace"
_MOST_NAME_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class _Found:
    """A thing that may be a service; `project` is empty outside of Compose and stacks."""

    runtime_name: str
    short_name: str
    project: str
    identity: Identity
    depends_on: tuple[str, ...]
    provenance: str
    named: str = ""


async def discover(engine: Engine) -> list[Service]:
    """Services of an engine, by name.

    Raises:
        SourceUnavailable, SourceRejected: the engine did not answer.
    """
    info = await engine.info()
    manages = bool((info.get("Swarm") or {}).get("ControlAvailable"))
    return services_of(await engine.containers(), await engine.services() if manages else [])


def services_of(containers: Iterable[Json], swarm_services: Iterable[Json]) -> list[Service]:
    """The same from the engine's answers; containers of Swarm tasks and one-off runs are no services."""
    found = [*_containers(containers), *_swarm_services(swarm_services)]
    short = Counter(each.short_name for each in found)
    names = {
        each.runtime_name: each.named or (each.short_name if short[each.short_name] == 1 else each.runtime_name)
        for each in found
    }
    services: dict[str, Service] = {}
    for each in found:
        name = names[each.runtime_name][:_MOST_NAME_CHARACTERS]
        if name in services:  # two things under one chosen name: which one is meant cannot be told
            name = each.runtime_name
        services[name] = Service(
            name=name,
            identity=each.identity,
            dependencies=_dependencies(each, found, names),
            provenance=(each.provenance,),
        )
    return [services[name] for name in sorted(services)]


def _containers(rows: Iterable[Json]) -> Iterator[_Found]:
    for row in rows:
        labels: Mapping[str, str] = row.get("Labels") or {}
        name = str((row.get("Names") or [""])[0]).removeprefix("/")
        if not name or TEMPORARY in name or SWARM_SERVICE_LABEL in labels:
            continue
        if labels.get(f"{_COMPOSE}.oneoff", "").lower() == "true":
            continue
        project, service = labels.get(f"{_COMPOSE}.project", ""), labels.get(f"{_COMPOSE}.service", "")
        yield _Found(
            runtime_name=name,
            short_name=service or name,
            project=project,
            identity=Identity(container=name),
            depends_on=(*_compose_depends_on(labels), *_listed(labels)),
            provenance=f"compose {project}/{service} (container {name})" if service else f"container {name}",
            named=labels.get(NAME_LABEL, ""),
        )


def _swarm_services(rows: Iterable[Json]) -> Iterator[_Found]:
    for row in rows:
        spec = row["Spec"]
        labels: Mapping[str, str] = spec.get("Labels") or {}
        name, stack = str(spec["Name"]), labels.get(_STACK_LABEL, "")
        yield _Found(
            runtime_name=name,
            short_name=name.removeprefix(f"{stack}_") if stack else name,
            project=stack,
            identity=Identity(swarm_service=name),
            depends_on=_listed(labels),
            provenance=f"stack {stack} (Swarm service {name})" if stack else f"Swarm service {name}",
            named=labels.get(NAME_LABEL, ""),
        )


def _compose_depends_on(labels: Mapping[str, str]) -> tuple[str, ...]:
    """``db:service_healthy:true,cache:service_started:false`` names db and cache."""
    told = labels.get(f"{_COMPOSE}.depends_on", "")
    return tuple(each.partition(":")[0].strip() for each in told.split(",") if each.partition(":")[0].strip())


def _listed(labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(each.strip() for each in labels.get(DEPENDENCIES_LABEL, "").split(",") if each.strip())


def _dependencies(each: _Found, found: Sequence[_Found], names: Mapping[str, str]) -> tuple[str, ...]:
    """Names of services: within the project first, and as they were written where nothing of that name is known."""
    resolved: list[str] = []
    for wanted in each.depends_on:
        inside = [one for one in found if one.project == each.project and one.short_name == wanted]
        resolved += [names[one.runtime_name] for one in inside] or [wanted]
    return tuple(dict.fromkeys(name for name in resolved if name != names[each.runtime_name]))
