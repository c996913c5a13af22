"""Operations on the store itself: what the command line does without ``--server``."""

from __future__ import annotations

from pathlib import Path

from app.operations.alerts import receive_alerts
from app.operations.bundles import export_incident
from app.operations.context import Context
from app.operations.operation import Operation, Out, P
from app.operations.outputs import ExportedBundle, SentAlerts


class Local:
    """The counterpart of `app.operations.remote.Remote`."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def call(self, operation: Operation[P, Out], *positional: P.args, **arguments: P.kwargs) -> Out:
        """Run an operation here.

        Raises:
            QuellError: as the operation says.
        """
        return await operation.run(self._context, *positional, **arguments)

    async def send_alerts(self, body: bytes) -> SentAlerts:
        """Put a webhook body into the inbox; a running `quell serve` takes it from there.

        Raises:
            InvalidInput, StoreError: as `receive_alerts`.
        """
        return await receive_alerts(self._context, "cli", body)

    async def export(self, incident_id: str, folder: Path) -> ExportedBundle:
        """Write the incident's bundle into an empty or new folder.

        Raises:
            NotFound, BundleError: as `export_incident`.
        """
        return await export_incident(self._context, incident_id, folder)
