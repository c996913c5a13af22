"""What is to run of a process: which release and how many replicas, at the start and after an action."""

from __future__ import annotations

from app.supervisor.journal import Standing
from clients.processes.replicas import ALONE
from clients.processes.wire import ACTIONS, ActionRequest, ProcessSpec
from core.errors import ActuatorError

SWITCHES = ("deploy", "rollback")


def standing_at_start(spec: ProcessSpec, known: Standing | None) -> Standing:
    """What ran last, unless quell.yaml was edited since: see `_released` and `_replicas`."""
    replicas = {"replicas": _replicas(spec, known), "declared_replicas": spec.replicas}
    return _released(spec, known).model_copy(update=replicas)


def _replicas(spec: ProcessSpec, known: Standing | None) -> tuple[int, ...]:
    """The replicas that ran last; as many as quell.yaml names when it was edited since."""
    if spec.replicas is None:
        return (ALONE,)
    if known is not None and known.replicas and known.declared_replicas == spec.replicas:
        return tuple(number for number in known.replicas if number <= spec.max_replicas) or (1,)
    return tuple(range(1, spec.replicas + 1))


def wanted_replicas(request: ActionRequest, spec: ProcessSpec) -> int:
    """How many replicas a request to scale asks for.

    Raises:
        ActuatorError: that is no number of replicas, or the process is no group.
    """
    if spec.replicas is None:
        raise ActuatorError(f"{spec.name} is one process", fix=f"declare replicas of {spec.name} in quell.yaml")
    told = request.parameters.get("replicas", "")
    if not told.isdigit() or not 1 <= int(told) <= spec.max_replicas:
        raise ActuatorError(
            f"not a number of replicas of {spec.name}: {told[:20]!r}",
            fix=f"give replicas from 1 to {spec.max_replicas} (max_replicas); stop ends all of them",
        )
    return int(told)


def _released(spec: ProcessSpec, known: Standing | None) -> Standing:
    """The release that was last deployed; the one quell.yaml names when it was edited since, or the other is gone."""
    versions = {release.version for release in spec.releases}
    if known is None:
        return Standing(process=spec.name, declared=spec.release, release=spec.release)
    previous = known.previous if known.previous in versions else ""
    if known.declared == spec.release and (known.release in versions or known.release == spec.release):
        return known.model_copy(update={"previous": previous})
    if known.release != spec.release:
        previous = known.release if known.release in versions else ""
    return Standing(process=spec.name, declared=spec.release, release=spec.release, previous=previous)


def target_of(request: ActionRequest, spec: ProcessSpec, standing: Standing) -> str:
    """The release that a request leads to: its own for all but deploy and rollback.

    Raises:
        ActuatorError: no such action, no such release, nothing to roll back to, or no number of replicas.
    """
    if request.action not in (*ACTIONS, *SWITCHES):
        raise ActuatorError(f"processes know no action {request.action}", fix=f"use one of {', '.join(ACTIONS)}")
    if request.action == "scale":
        wanted_replicas(request, spec)
    if request.action not in SWITCHES:
        return standing.release
    versions = [release.version for release in spec.releases]
    target = request.parameters.get("release", standing.previous if request.action == "rollback" else "")
    if not target:
        raise ActuatorError(
            f"no earlier release of {spec.name} is on record", fix="name one with the parameter release"
        )
    if target not in versions:
        raise ActuatorError(
            f"{spec.name} has no release {target}", fix=f"declared are: {', '.join(versions) or 'none'}"
        )
    return target
