"""An incident as a folder or a zip file, to be replayed elsewhere."""

from __future__ import annotations

import asyncio
import io
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path

from app.operations.context import Context
from app.operations.outputs import ExportedBundle
from core.errors import BundleError
from graphs.bundle import write_bundle


async def export_incident(context: Context, incident_id: str, folder: Path) -> ExportedBundle:
    """Write an incident's bundle into an empty or new folder.

    Raises:
        NotFound: no such incident.
        BundleError: the folder holds something already, or cannot be written.
    """
    await write_bundle(context.store, incident_id, folder, version=version("quell"), now=context.clock.now())
    return ExportedBundle(incident_id=incident_id, path=str(folder))


async def zip_incident(context: Context, incident_id: str) -> bytes:
    """The same bundle as the bytes of a zip file.

    Raises:
        NotFound: no such incident.
    """
    with tempfile.TemporaryDirectory(prefix="quell-") as scratch:
        folder = Path(scratch) / "bundle"
        await export_incident(context, incident_id, folder)
        return await asyncio.to_thread(_zip, folder)


def unzip_bundle(archive: bytes, folder: Path) -> None:
    """Unpack a zipped bundle into an empty or new folder; names that lead out of it are cut down to it.

    Raises:
        BundleError: no zip file, the folder holds something already, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise BundleError(f"{folder} is not empty", fix="name a new folder")
        with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
            zipped.extractall(folder)
    except (OSError, zipfile.BadZipFile) as error:
        raise BundleError(f"cannot unpack into {folder}: {error}", fix="check the folder and the disk") from error


def _zip(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        for file in sorted(folder.iterdir()):
            zipped.write(file, file.name)
    return buffer.getvalue()
