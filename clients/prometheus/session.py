"""The requests session that prometheus-api-client speaks through.

The library takes any status but 200 for the same exception, lets requests' own errors out, follows redirects, has no
bound and throws warnings away. This session hands it only answers that are complete, bounded, JSON and a success; all
else is raised from here as `core.errors`, past the library.
"""

from __future__ import annotations

import json
from typing import Any

import requests
import urllib3.exceptions

from clients import failures
from clients.connection import ConnectionSettings
from clients.failures import Server
from clients.http import USER_AGENT
from core.clock import Clock

_CHUNK_BYTES = 65536
_BROKEN = (
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    urllib3.exceptions.ProtocolError,
    urllib3.exceptions.DecodeError,
)


class Answered(requests.Response):
    """A success whose body has been read."""

    def __init__(self, document: Any) -> None:
        super().__init__()
        self.status_code = 200
        self._document = document

    def json(self, **_: Any) -> Any:
        """The document."""
        return self._document


class BoundedSession(requests.Session):
    """A session for one query, used in one thread.

    Attributes:
        warnings: what the API warned of, in the order in which it did.
        answered: headers of the latest answer, names in lower case.

    Raises:
        ConfigError: the TLS files cannot be used.
    """

    def __init__(self, server: Server, settings: ConnectionSettings, clock: Clock) -> None:
        super().__init__()
        settings.tls_context()  # tells what is wrong with the files, which requests does not
        self.trust_env = False
        self.headers.update({"User-Agent": USER_AGENT, **settings.headers})
        self.verify = settings.ca_file or not settings.insecure_skip_verify
        if settings.certificate_file:
            self.cert = (settings.certificate_file, settings.key_file or settings.certificate_file)
        self.warnings: list[str] = []
        self.answered: dict[str, str] = {}
        self._server = server
        self._settings = settings
        self._clock = clock

    def request(self, method: str, url: str | bytes, *_: Any, **options: Any) -> requests.Response:
        """One exchange, complete and successful.

        Raises:
            SourceError: it is not.
        """
        settings = self._settings
        options.update(stream=True, allow_redirects=False, timeout=settings.timeout_seconds)
        deadline = self._clock.monotonic() + settings.timeout_seconds
        try:
            with super().request(method, url, **options) as response:
                body = self._body(response, deadline)
        except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError):
            raise failures.late(self._server, settings.timeout_seconds) from None
        except _BROKEN:
            raise failures.cut_off(self._server) from None
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            aborted = "Connection aborted" in str(error)  # as requests calls a torn connection
            raise failures.cut_off(self._server) if aborted else failures.unreachable(self._server, error) from error
        self.answered = {name.lower(): value for name, value in response.headers.items()}
        if response.status_code != requests.codes.ok:
            raise failures.refusal(self._server, response.status_code, _reason(body), self.answered, self._clock.now())
        return Answered(self._document(body))

    def _body(self, response: requests.Response, deadline: float) -> bytes:
        body = bytearray()
        # Unlike iter_content, read1 gives what there is: a server that drips cannot hold it past the deadline.
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            body += chunk
            if len(body) > self._settings.max_body_bytes:
                raise failures.too_large(self._server, self._settings.max_body_bytes)
            if self._clock.monotonic() > deadline:
                raise failures.late(self._server, self._settings.timeout_seconds)
        return bytes(body)

    def _document(self, body: bytes) -> Any:
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            raise failures.not_json(self._server, self.answered.get("content-type", "")) from None
        if not isinstance(document, dict) or document.get("status") != "success" or "data" not in document:
            raise failures.unexpected(self._server, "no `data` of a success")
        self.warnings += [str(each) for name in ("warnings", "infos") for each in document.get(name) or ()]
        return document


def _reason(body: bytes) -> str:
    """What an error of the API says, or the body as it is."""
    text = body.decode("utf-8", errors="replace")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(document, dict) and "error" in document:
        return f"{document.get('errorType', '')}: {document['error']}".removeprefix(": ")
    return text
