"""Operations over HTTP: the command line's ``--server URL``."""

from __future__ import annotations

import asyncio
import inspect
import ssl
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter, ValidationError

from app.operations.bundles import unzip_bundle
from app.operations.operation import Operation, Out, P
from app.operations.outputs import ExportedBundle, SentAlerts
from core.errors import Conflict, Forbidden, InvalidInput, NotFound, QuellError, SourceUnavailable, UsageError

if TYPE_CHECKING:
    from graphs.investigation import Investigation

_ERRORS: dict[int, type[QuellError]] = {
    400: UsageError,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    503: SourceUnavailable,
}
_JSON = TypeAdapter[Any](Any)


class Remote:
    """A Quell server. Use as an async context manager.

    Args:
        url: such as ``https://quell.example.org:8420``.
        token: the bearer token.
    """

    def __init__(
        self, url: str, token: str, *, timeout_seconds: float = 30.0, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise UsageError(f"--server {url}: not an address", fix="write it whole, such as http://127.0.0.1:8420")
        self._url = url.rstrip("/")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.AsyncClient(
            base_url=self._url, headers=headers, timeout=timeout_seconds, transport=transport, trust_env=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def call(self, operation: Operation[P, Out], *_: P.args, **arguments: P.kwargs) -> Out:
        """Run an operation there.

        Raises:
            QuellError: what the server answered, or `SourceUnavailable` when it did not.
        """
        plain = _JSON.dump_python({k: v for k, v in arguments.items() if v is not None}, mode="json")
        in_path = {name for name in inspect.signature(operation.run).parameters if f"{{{name}}}" in operation.path}
        path = operation.path.format(**{name: quote(str(plain[name]), safe="") for name in in_path})
        rest = {name: value for name, value in plain.items() if name not in in_path}
        if operation.method == "GET":
            response = await self._send("GET", path, params=rest)
        else:
            response = await self._send("POST", path, json=rest)
        return self._read(response, operation.output)

    async def send_alerts(self, body: bytes) -> SentAlerts:
        """Post a webhook body.

        Raises:
            QuellError: as `call`.
        """
        return self._read(await self._post_body("/api/alerts/webhook", body), SentAlerts)

    async def investigate(self, body: bytes) -> Investigation:
        """Diagnose the alerts of a webhook body there, without any effect.

        Raises:
            QuellError: as `call`.
        """
        from graphs.investigation import Investigation  # langgraph, which no other command needs

        return self._read(await self._post_body("/api/investigate", body), Investigation)

    async def export(self, incident_id: str, folder: Path) -> ExportedBundle:
        """Download the incident's bundle and unpack it into an empty or new folder.

        Raises:
            QuellError: as `call`.
            BundleError: the folder holds something already, or cannot be written.
        """
        response = await self._send("GET", f"/api/incidents/{quote(incident_id, safe='')}/export")
        await asyncio.to_thread(unzip_bundle, response.content, folder)
        return ExportedBundle(incident_id=incident_id, path=str(folder))

    async def _post_body(self, path: str, body: bytes) -> httpx.Response:
        return await self._send("POST", path, content=body, headers={"content-type": "application/json"})

    async def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            response = await self._http.request(method, path, **request)
        except (httpx.HTTPError, ssl.SSLError, OSError) as error:
            raise SourceUnavailable(
                f"{self._url} does not answer: {error or type(error).__name__}",
                fix="check the address, and that `quell serve` runs there",
            ) from None
        if response.is_success:
            return response
        raise self._refusal(response)

    def _refusal(self, response: httpx.Response) -> QuellError:
        try:
            said = response.json()
            message, fix, path = str(said["error"]), str(said.get("fix", "")), str(said.get("path", ""))
        except (ValueError, KeyError, TypeError):
            return QuellError(
                f"{self._url} answered {response.status_code}", fix="check that the address is that of a Quell server"
            )
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            fix = "set server.token, or QUELL_SERVER__TOKEN, to what <data_dir>/token of the server holds"
        if path:
            return InvalidInput(message.removeprefix(f"{path}: "), path=path, fix=fix)
        return _ERRORS.get(response.status_code, QuellError)(message, fix=fix)

    def _read(self, response: httpx.Response, output: type[Out]) -> Out:
        try:
            return output.model_validate_json(response.content)
        except ValidationError:
            raise QuellError(
                f"{self._url} answered something else than this program expects",
                fix="run the same version of Quell on both sides",
            ) from None
