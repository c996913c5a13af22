"""Download of an incident's bundle."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.operations.arguments import Id
from app.operations.bundles import zip_incident
from app.operations.context import Context
from app.server.errors import RESPONSES

MEDIA_TYPE = "application/zip"


def bundle_routes(context: Context) -> APIRouter:
    """The export of incidents."""
    router = APIRouter(prefix="/api/incidents", tags=["incidents"], responses=RESPONSES)

    @router.get(
        "/{incident_id}/export",
        operation_id="export_incident",
        response_class=Response,
        responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}},
    )
    async def export(incident_id: Id) -> Response:
        """The incident with all its evidence as a zip file that `quell replay` runs again."""
        archive = await zip_incident(context, incident_id)
        return Response(archive, media_type=MEDIA_TYPE, headers={"Content-Disposition": "attachment"})

    return router
