"""An incident as a folder: written from the store, read back with every file checked."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from core.errors import BundleError
from core.models import Alert, Approval, Attempt, Decision, Evidence, Incident, Model, TimelineEntry, Utc
from stores.audit import AuditEntry
from stores.store import Store

FORMAT = 1
MANIFEST = "manifest.json"
T = TypeVar("T")
M = TypeVar("M", bound=Model)


class Manifest(Model):
    """What a bundle holds, with a checksum a file."""

    format: int
    quell_version: str
    incident_id: str
    exported_at: Utc
    files: dict[str, str] = Field(description="file name -> SHA-256 of its bytes")


class RecordedCall(Model):
    """One answer of a port, as it came."""

    evidence_id: str
    port: str
    key: str
    payload: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """An incident outside of any store."""

    manifest: Manifest
    incident: Incident
    alerts: tuple[Alert, ...]
    timeline: tuple[TimelineEntry, ...]
    evidence: tuple[Evidence, ...]
    decisions: tuple[Decision, ...]
    attempts: tuple[Attempt, ...]
    approvals: tuple[Approval, ...]
    audit: tuple[AuditEntry, ...]
    recordings: tuple[RecordedCall, ...]

    def look_up(self) -> Callable[[str, str], Awaitable[bytes | None]]:
        """The recorded answers, as the recorded ports ask for them."""
        calls = {(call.port, call.key): call.payload.encode() for call in self.recordings}

        async def find(port: str, key: str) -> bytes | None:
            return calls.get((port, key))

        return find


_PARTS: dict[str, TypeAdapter[object]] = {
    "incident": TypeAdapter(Incident),
    "alerts": TypeAdapter(tuple[Alert, ...]),
    "timeline": TypeAdapter(tuple[TimelineEntry, ...]),
    "evidence": TypeAdapter(tuple[Evidence, ...]),
    "decisions": TypeAdapter(tuple[Decision, ...]),
    "attempts": TypeAdapter(tuple[Attempt, ...]),
    "approvals": TypeAdapter(tuple[Approval, ...]),
    "audit": TypeAdapter(tuple[AuditEntry, ...]),
    "recordings": TypeAdapter(tuple[RecordedCall, ...]),
}


async def write_bundle(store: Store, incident_id: str, folder: Path, *, version: str, now: Utc) -> Manifest:
    """Export one incident into an empty or new folder.

    Raises:
        NotFound: no such incident.
        BundleError: the folder holds something already, or cannot be written.
    """
    files = {f"{name}.json": body for name, body in (await _parts(store, incident_id)).items()}
    manifest = Manifest(
        format=FORMAT,
        quell_version=version,
        incident_id=incident_id,
        exported_at=now,
        files={name: hashlib.sha256(body).hexdigest() for name, body in sorted(files.items())},
    )
    files[MANIFEST] = _pretty(manifest.model_dump(mode="json"))
    await asyncio.to_thread(_write_files, folder, files)
    return manifest


def _write_files(folder: Path, files: dict[str, bytes]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise BundleError(f"{folder} is not empty", fix="name a new folder")
        for name, body in files.items():
            (folder / name).write_bytes(body)
    except OSError as error:
        raise BundleError(f"cannot write {folder}: {error.strerror}", fix="check the folder and the disk") from error


async def _parts(store: Store, incident_id: str) -> dict[str, bytes]:
    async with store.read() as tx:
        recordings = [
            RecordedCall(evidence_id=item.evidence_id, port=item.port, key=item.key, payload=item.payload.decode())
            for item in await tx.recordings.of_incident(incident_id)
        ]
        values: dict[str, object] = {
            "incident": await tx.incidents.get(incident_id),
            "alerts": await tx.alerts.of_incident(incident_id),
            "timeline": await tx.timeline.of_incident(incident_id),
            "evidence": await tx.evidence.of_incident(incident_id),
            "decisions": await tx.decisions.of_incident(incident_id),
            "attempts": await tx.attempts.of_incident(incident_id),
            "approvals": await tx.approvals.find(incident=incident_id),
            "audit": await tx.audit.entries(incident=incident_id),
            "recordings": recordings,
        }
    return {name: _pretty(_PARTS[name].dump_python(_tupled(value), mode="json")) for name, value in values.items()}


def _tupled(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _pretty(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle back.

    Raises:
        BundleError: a file is missing, changed since the export, or not of this format.
    """
    manifest = _parse(TypeAdapter(Manifest), folder / MANIFEST, _read(folder / MANIFEST))
    if manifest.format != FORMAT:
        raise BundleError(
            f"{folder} has bundle format {manifest.format}, this program reads {FORMAT}",
            fix=f"replay it with Quell {manifest.quell_version}",
        )
    parts: dict[str, object] = {}
    for name, adapter in _PARTS.items():
        path = folder / f"{name}.json"
        body = _read(path)
        if hashlib.sha256(body).hexdigest() != manifest.files.get(path.name):
            raise BundleError(f"{path} was changed since the export", fix="export the incident again")
        parts[name] = _parse(adapter, path, body)
    return Bundle(manifest=manifest, **parts)  # type: ignore[arg-type]  # each adapter gives its own field's type


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(
            f"cannot read {path}: {error.strerror}", fix="name a folder made by `quell incidents export`"
        ) from error


def _parse(adapter: TypeAdapter[T], path: Path, body: bytes) -> T:
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BundleError(
            f"{path} is damaged at {where or 'its start'}: {first['msg']}", fix="export it again"
        ) from error


def recorded_model(model: type[M], payload: str | bytes, what: str) -> M:
    """A model that a run kept beside its recordings.

    Args:
        what: it is, for the error.

    Raises:
        BundleError: it was recorded by another version.
    """
    try:
        return model.model_validate_json(payload)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BundleError(
            f"the recorded {what} do not fit this version at {where}: {first['msg']}",
            fix="replay it with the version that exported it (manifest.json names it)",
        ) from error
