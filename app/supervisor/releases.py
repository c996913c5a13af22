"""Which release of a process runs: at the start, and after a deploy or rollback."""

from __future__ import annotations

from app.supervisor.journal import Standing
from clients.processes.wire import ACTIONS, ActionRequest, ProcessSpec
from core.errors import ActuatorError

SWITCHES = ("deploy", "rollback")


def standing_at_start(spec: ProcessSpec, known: Standing | None) -> Standing:
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
        ActuatorError: no such action, no such release, or nothing to roll back to.
    """
    if request.action not in (*ACTIONS, *SWITCHES):
        raise ActuatorError(f"processes know no action {request.action}", fix=f"use one of {', '.join(ACTIONS)}")
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
