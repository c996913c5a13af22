"""The supervisor's socket as Python: one method a call, errors as `core.errors`."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from clients.processes.wire import ActionRecord, ActionRequest, Refusal, SupervisorStatus
from clients.tls import shared_tls_context
from core.errors import ActuatorError, SourceError, SourceRejected, SourceUnavailable
from core.models import ActionOutcome, Change, ServiceState, Window

T = TypeVar("T")
READ_TIMEOUT_SECONDS = 5.0
ACTION_TIMEOUT_SECONDS = 90.0
"""An action waits for a graceful stop and for the health of the new process."""

_NOT_RUNNING = "start `quell supervise`, and check that both use the same data_dir"


class SupervisorClient:
    """Talks HTTP over the unix socket of `quell supervise`.

    Every method raises SourceUnavailable when the supervisor does not answer, and SourceRejected when it refuses.

    Args:
        socket_path: the socket.
    """

    def __init__(self, socket_path: Path) -> None:
        self._socket_path = socket_path

    async def status(self) -> SupervisorStatus:
        """The supervisor about itself."""
        return await self._call(SupervisorStatus, "GET", "/status")

    async def state(self, process: str) -> ServiceState:
        """A process now."""
        return await self._call(ServiceState, "GET", f"/processes/{process}")

    async def changes(self, process: str, window: Window) -> Sequence[Change]:
        """What was done to a process, and when it ended by itself, oldest first."""
        span = {"start": window.start.isoformat(), "end": window.end.isoformat()}
        return await self._call(tuple[Change, ...], "GET", f"/processes/{process}/changes", params=span)

    async def act(self, request: ActionRequest) -> ActionOutcome:
        """Do something, once per key.

        Raises:
            ActuatorError: it is not possible; nothing was done.
        """
        try:
            return await self._call(
                ActionOutcome,
                "POST",
                "/actions",
                body=request.model_dump_json(),
                timeout_seconds=ACTION_TIMEOUT_SECONDS,
            )
        except SourceRejected as error:
            raise ActuatorError(error.message, fix=error.fix) from error

    async def deploy(self, process: str, release: str, *, key: str, actor: str = "operator") -> ActionOutcome:
        """Run another declared release of a process; the change is on record as a deploy.

        Raises:
            ActuatorError: it is not possible; nothing was done.
        """
        parameters = {"release": release}
        return await self.act(
            ActionRequest(key=key, action="deploy", process=process, parameters=parameters, actor=actor)
        )

    async def record(self, key: str) -> ActionRecord | None:
        """What the journal holds of a key; None when nothing."""
        return await self._call(TypeAdapter(ActionRecord | None), "GET", "/actions", params={"key": key})

    async def _call(
        self,
        answer: type[T] | TypeAdapter[T],
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        body: str | None = None,
        timeout_seconds: float = READ_TIMEOUT_SECONDS,
    ) -> T:
        transport = httpx.AsyncHTTPTransport(uds=str(self._socket_path), verify=shared_tls_context())
        headers = {"Content-Type": "application/json"}
        try:
            async with httpx.AsyncClient(transport=transport, timeout=timeout_seconds, trust_env=False) as http:
                response = await http.request(
                    method, f"http://supervisor{path}", params=params, content=body, headers=headers
                )
        except (httpx.HTTPError, OSError) as error:
            raise SourceUnavailable(
                f"no answer from the supervisor at {self._socket_path}: {type(error).__name__} {error}",
                fix=_NOT_RUNNING,
            ) from error
        try:
            if response.status_code == HTTPStatus.OK:
                adapter = answer if isinstance(answer, TypeAdapter) else TypeAdapter(answer)
                return adapter.validate_json(response.content)
            raise _refused(response.status_code, Refusal.model_validate_json(response.content))
        except ValidationError as error:
            raise SourceRejected(
                f"the supervisor at {self._socket_path} gave an answer that cannot be read ({response.status_code})",
                fix="run the same version of quell on both sides",
            ) from error


def _refused(status: int, refusal: Refusal) -> SourceError:
    kind = SourceUnavailable if status == HTTPStatus.SERVICE_UNAVAILABLE else SourceRejected
    return kind(refusal.error, fix=refusal.fix)
