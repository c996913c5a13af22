"""The closed list of Engine API calls that Quell makes; the transport refuses every other one.

The list is the least privilege that a socket proxy in front of the engine has to grant; `docs/docker.md` shows it and a
test compares the two. Paths are those of the Docker Engine API 1.41 to 1.44 (docs.docker.com/engine/api).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.errors import SourceRejected

_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
_VERSION_PREFIX = re.compile(r"^/v\d+\.\d+(?=/)")


@dataclass(frozen=True, slots=True)
class EngineCall:
    """One call.

    Attributes:
        path: with ``{name}`` for a container, service or network, and ``{image}`` for an image reference.
        purpose: what Quell needs it for.
        parameters: the only query parameters it may carry.
    """

    method: str
    path: str
    purpose: str
    parameters: tuple[str, ...] = ()

    def covers(self, method: str, path: str, parameters: set[str]) -> bool:
        """Whether a request, its path without version prefix and query, is this call."""
        pattern = re.escape(self.path).replace(r"\{name\}", _NAME).replace(r"\{image\}", r"[\w./:@%+-]+")
        return method == self.method and bool(re.fullmatch(pattern, path)) and parameters <= set(self.parameters)


_LOG_PARAMETERS = ("stdout", "stderr", "timestamps", "since", "until", "follow", "details", "tail")

READS = (
    EngineCall("GET", "/version", "which API the engine speaks"),
    EngineCall("GET", "/info", "the engine's clock, and whether it manages a swarm"),
    EngineCall("GET", "/events", "deploys, starts, stops and exits", ("since", "until", "filters")),
    EngineCall(
        "GET", "/containers/json", "which containers there are", ("all", "limit", "size", "trunc_cmd", "filters")
    ),
    EngineCall("GET", "/containers/{name}/json", "state, health and options of a container"),
    EngineCall("GET", "/containers/{name}/stats", "its CPU time and memory", ("stream", "one-shot")),
    EngineCall("GET", "/containers/{name}/logs", "its log lines", _LOG_PARAMETERS),
    EngineCall("GET", "/images/{image}/json", "whether the image of a rollback is there, and its defaults"),
    EngineCall("GET", "/services", "which Swarm services there are", ("filters",)),
    EngineCall("GET", "/services/{name}", "specification of a Swarm service", ("insertDefaults",)),
    EngineCall("GET", "/services/{name}/logs", "log lines of its tasks", _LOG_PARAMETERS),
    EngineCall("GET", "/tasks", "state of its tasks, those that were rejected too", ("filters",)),
)
WRITES = (
    EngineCall("POST", "/containers/{name}/restart", "restart", ("t",)),
    EngineCall("POST", "/containers/{name}/start", "start; rollback"),
    EngineCall("POST", "/containers/{name}/stop", "stop; rollback", ("t",)),
    EngineCall("POST", "/containers/create", "rollback: the same options on the image before", ("name",)),
    EngineCall("POST", "/containers/{name}/rename", "rollback: the new one takes the name over", ("name",)),
    EngineCall("POST", "/networks/{name}/connect", "rollback: the second and further networks"),
    EngineCall(
        "DELETE",
        "/containers/{name}",
        "rollback: the replaced container, never its volumes",
        ("v", "link", "force"),
    ),
    EngineCall("POST", "/services/{name}/update", "Swarm: scale, restart, start, stop, rollback", ("version",)),
)
ALLOWED = READS + WRITES


def check(method: str, path: str, parameters: set[str]) -> None:
    """Pass a request of the list.

    Args:
        path: as it is on the wire, with or without the version prefix.
        parameters: names of the query parameters.

    Raises:
        SourceRejected: it is not on the list; nothing was sent.
    """
    bare = _VERSION_PREFIX.sub("", path)
    if not any(call.covers(method, bare, parameters) for call in ALLOWED):
        told = f"{bare}?{'&'.join(sorted(parameters))}" if parameters else bare
        raise SourceRejected(
            f"Quell does not make the Engine call {method} {told}",
            fix="report this as a defect: docs/docker.md lists all calls that Quell makes",
        )
