"""The actuator for local processes: the port, spoken to a supervisor."""

from __future__ import annotations

from collections.abc import Sequence

from clients.processes.client import SupervisorClient
from clients.processes.wire import ACTIONS, ActionRequest
from core.errors import ActuatorError, SourceError
from core.models import ActionOutcome, Change, RunState, Service, ServiceState, Utc, Window
from core.ports import SourceStatus

_ALIVE = (RunState.RUNNING, RunState.STARTING)


class ProcessActuator:
    """A `core.ports.Actuator` whose services name a process in their identity.

    Actions: restart, start, stop, rollback (to the previously deployed release, or to ``parameters["release"]``), and
    for a group of replicas scale (to ``parameters["replicas"]``).
    """

    name = "process"

    def __init__(self, client: SupervisorClient) -> None:
        self._client = client

    def owns(self, service: Service) -> bool:
        """Whether the service names a process."""
        return bool(service.identity.process)

    async def state(self, service: Service) -> ServiceState:
        """The process now, under the service's name.

        Raises:
            SourceUnavailable: the supervisor does not answer.
            SourceRejected: it does not know the process.
        """
        state = await self._client.state(service.identity.process)
        return state.model_copy(update={"service": service.name, "actuator": self.name})

    async def changes(self, service: Service, window: Window) -> Sequence[Change]:
        """Deploys, rollbacks, starts, stops, restarts, and exits by itself, oldest first; errors as in `state`."""
        changes = await self._client.changes(service.identity.process, window)
        return tuple(change.model_copy(update={"service": service.name}) for change in changes)

    async def run(self, action: str, service: Service, parameters: dict[str, str], key: str) -> ActionOutcome:
        """Carry an action out, once per key.

        Raises:
            ActuatorError: the action is not possible; nothing was done.
            SourceUnavailable: the supervisor did not answer; whether the action happened is unknown.
        """
        if action not in ACTIONS:
            raise ActuatorError(f"processes know no action {action}", fix=f"use one of {', '.join(ACTIONS)}")
        return await self._client.act(
            ActionRequest(key=key, action=action, process=service.identity.process, parameters=parameters)
        )

    async def observe(
        self, action: str, service: Service, parameters: dict[str, str], key: str, since: Utc
    ) -> bool | None:
        """Whether the action has happened: by the supervisor's journal; where that is younger than the reservation,
        by the process itself. None while it is under way, or when neither can tell.

        Raises:
            SourceUnavailable: the supervisor does not answer.
        """
        record = await self._client.record(key)
        if record is not None:
            return None if record.outcome is None else record.outcome.ok
        if (await self._client.status()).journal_since <= since:
            return False
        return _seen(action, await self._client.state(service.identity.process), parameters, since)

    async def status(self) -> SourceStatus:
        """Reachable when the supervisor answers."""
        try:
            status = await self._client.status()
        except SourceError as error:
            return SourceStatus(name=self.name, configured=True, detail=error.message, fix=error.fix)
        detail = f"supervisor {status.pid} runs {', '.join(status.processes) or 'nothing'}"
        return SourceStatus(name=self.name, configured=True, reachable=True, version=status.version, detail=detail)


def _seen(action: str, state: ServiceState, parameters: dict[str, str], since: Utc) -> bool | None:
    fresh = state.state in _ALIVE and state.started_at is not None and state.started_at >= since
    if action in ("restart", "start"):
        return fresh
    if action == "stop":
        return state.state is RunState.STOPPED
    if action == "scale":
        return state.state in _ALIVE and str(state.replicas) == parameters.get("replicas")
    if action == "rollback" and "release" in parameters:
        return fresh and state.release == parameters["release"]
    return None
