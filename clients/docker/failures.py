"""What goes wrong between Quell and the engine, as errors of the tree that say what to do."""

from __future__ import annotations

from http import HTTPStatus

from docker.errors import APIError  # type: ignore[import-untyped]  # the SDK ships no types

from core.errors import QuellError, SourceRejected, SourceUnavailable

_PERMISSION = "permission denied"
_NOT_A_MANAGER = "not a swarm manager"


def unanswered(url: str, error: Exception) -> SourceUnavailable:
    """The engine gave no answer, or not a whole one."""
    words = str(error)
    if _PERMISSION in words.lower():
        fix = "let the user of Quell use the socket: add it to the group docker, or use a socket proxy"
    elif "timed out" in words.lower() or isinstance(error, TimeoutError):
        fix = "the engine is slow: look at its load, or raise docker.timeout_seconds"
    else:
        fix = "start the Docker Engine, or correct docker.url (DOCKER_HOST)"
    return SourceUnavailable(f"no answer from the Docker Engine at {url}: {_short(words)}", fix=fix)


def refused(url: str, error: APIError) -> QuellError:
    """The engine answered with an error.

    A 5xx is `SourceUnavailable` only where the engine may do better later; a failed start, for one, is final.
    """
    status = int(error.status_code or 0)
    words = _short(str(error.explanation or error))
    message = f"the Docker Engine at {url} answered {status}: {words}"
    if status == HTTPStatus.NOT_FOUND:
        return SourceRejected(message, fix="see `docker ps --all` and `docker service ls` for the names it knows")
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return SourceRejected(message, fix="let the socket proxy pass the calls listed in docs/docker.md")
    if _NOT_A_MANAGER in words:
        return SourceRejected(message, fix="point docker.url at a manager of the swarm, or run `docker swarm init`")
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE):
        return SourceUnavailable(message, fix="wait until the engine has recovered")
    return SourceRejected(message, fix="see the log of the engine: journalctl --unit docker")


def unreadable(url: str) -> SourceRejected:
    """The answer is not what an engine says: a login page, or another server."""
    return SourceRejected(f"what answers at {url} is no Docker Engine: no JSON", fix="correct docker.url (DOCKER_HOST)")


def _short(words: str) -> str:
    return " ".join(words.split())[:300]
