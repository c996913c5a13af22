"""Commits of local repositories, read with `git log` (https://git-scm.com/docs/git-log).

Git runs without a shell, from a fixed list of arguments, with nothing of the repository's own configuration that could
start a program, for a bounded time, and its output is read up to a bound. Nothing is fetched and nothing is written.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from clients.changes.settings import ChangeSettings, GitRepository
from core.changes import ChangeKind, ChangePage, ChangeQuery, cleaned
from core.errors import SourceError, SourceRejected, SourceUnavailable
from core.models import Change
from core.ports import SourceStatus

MAX_OUTPUT_BYTES = 4 * 2**20
SOURCE = "git"
_RECORD, _FIELD = "\x1e", "\x1f"
_FORMAT = f"--format=%x1e{'%x1f'.join(('%H', '%cI', '%an', '%s'))}%x1f"
_SAFE = (
    "--no-pager",
    "--no-optional-locks",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "log.showSignature=false",
    "-c",
    "protocol.allow=never",
    "-c",
    "safe.directory=*",
)
"""Nothing that the repository configures is run, so it may belong to anybody."""
_LOG = ("log", "--no-color", "--no-ext-diff", "--no-textconv", "--no-show-signature", "--patch", "--unified=3")
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
}
_PATH = re.compile(r"^diff --git a/.* b/(.+)$", re.MULTILINE)


class GitCommits:
    """`core.ports.ChangeSource` from local clones."""

    name = SOURCE

    def __init__(self, settings: ChangeSettings) -> None:
        self._settings = settings

    async def query(self, query: ChangeQuery) -> ChangePage:
        """The newest commits of the service's repositories up to the end of the window.

        Commits before the window count too: they are felt when they are deployed.
        """
        found: list[Change] = []
        unanswered: list[str] = []
        for repository in self._settings.git:
            if repository.service == query.service:
                try:
                    found += await self._commits(repository, query)
                except SourceError as error:
                    unanswered.append(f"{SOURCE} {repository.path}: {error.message}")
        return ChangePage(changes=tuple(sorted(found, key=lambda one: one.at)), unanswered=tuple(unanswered))

    async def status(self) -> SourceStatus:
        """Whether every repository can be read."""
        if not self._settings.git:
            return SourceStatus(name=self.name, configured=False)
        for repository in self._settings.git:
            try:
                await self._run(repository, "rev-parse", "--verify", "--quiet", repository.branch)
            except SourceError as error:
                detail = f"{repository.path}: {error.message}"
                return SourceStatus(name=self.name, configured=True, detail=detail, fix=error.fix)
        version = (await self._run(self._settings.git[0], "version")).decode(errors="replace").strip()
        return SourceStatus(
            name=self.name, configured=True, reachable=True, version=version.removeprefix("git version ")
        )

    async def _commits(self, repository: GitRepository, query: ChangeQuery) -> list[Change]:
        """The commits of one repository, newest first."""
        since = query.window.start - timedelta(days=self._settings.commit_days)
        output = await self._run(
            repository,
            *_LOG,
            _FORMAT,
            f"--max-count={self._settings.max_commits}",
            f"--since={since.isoformat()}",
            f"--until={query.window.end.isoformat()}",
            repository.branch,
            "--",
            *((repository.folder,) if repository.folder else ()),
        )
        return list(_parsed(output.decode(errors="replace"), repository.service))

    async def _run(self, repository: GitRepository, *arguments: str) -> bytes:
        """What git prints, cut after so many bytes.

        Raises:
            SourceRejected: git is not there, or refuses.
            SourceUnavailable: it took too long.
        """
        program = self._settings.git_program
        try:
            process = await asyncio.create_subprocess_exec(
                *(program, *_SAFE, "-C", repository.path, *arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=_ENVIRONMENT,
            )
        except OSError as error:
            fix = "install git, or set `changes: git_program:` to where it is"
            raise SourceRejected(f"{program} cannot be started: {error.strerror}", fix=fix) from error
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                return await _output(process)
        except TimeoutError as error:
            raise SourceUnavailable("git took too long", fix="raise `changes: timeout_seconds:`") from error
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _output(process: asyncio.subprocess.Process) -> bytes:
    """What the process printed, up to the bound; more is left unread."""
    if process.stdout is None or process.stderr is None:
        raise SourceRejected("git has no output", fix="report the bug")
    output = b""
    while len(output) < MAX_OUTPUT_BYTES and (part := await process.stdout.read(2**16)):
        output += part
    if len(output) >= MAX_OUTPUT_BYTES:
        return output[:MAX_OUTPUT_BYTES]
    told = (await process.stderr.read(2**12)).decode(errors="replace").strip()
    if await process.wait() != 0:
        fix = "check `changes: git:`: the folder must be a repository that has the branch"
        raise SourceRejected(told.splitlines()[0][:200] if told else "git failed", fix=fix)
    return output


def _parsed(output: str, service: str) -> Iterator[Change]:
    """One change a commit; what is cut off at the end is left out."""
    for record in output.split(_RECORD)[1:]:
        parts = record.split(_FIELD, 4)
        if len(parts) < 5:
            continue
        sha, at, author, subject, diff = parts
        yield cleaned(
            Change(
                service=service,
                kind=ChangeKind.COMMIT.value,
                at=datetime.fromisoformat(at),
                actor=author,
                detail=subject,
                reference=sha,
                text=diff.strip("\n"),
                paths=tuple(dict.fromkeys(_PATH.findall(diff))),
                source=SOURCE,
            )
        )
