"""What every `ChangeSource` must do. A new implementation joins by one entry in `IMPLEMENTATIONS`.

An implementation is a context manager that is given reports and yields the source that holds them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clients.changes.files import ChangeFiles, told
from clients.changes.git import GitCommits
from clients.changes.settings import ChangeSettings, GitRepository
from clients.recorded import RecordedChanges, encode_reported
from core.changes import MAX_TEXT_CHARACTERS, ChangeKind, ChangePage, ChangeQuery, ReportedChange
from core.clock import ManualClock
from core.models import Change, Window
from core.ports import ChangeSource, SourceStatus
from stores.store import Store
from tools.changes import AllChanges, StoredChanges, merged

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
GIT = shutil.which("git")
QUERY = ChangeQuery(service="shop", window=Window(start=NOON - timedelta(hours=1), end=NOON))
SECRET = "password=hunter2"


def report(number: int, **fields: object) -> ReportedChange:
    """A commit to shop, that many minutes before noon."""
    plain = {
        "service": "shop",
        "kind": ChangeKind.COMMIT,
        "at": NOON - timedelta(minutes=number),
        "actor": "Ann",
        "title": f"change {number}",
        "reference": f"{number:040}",
        "diff": f"+{SECRET}\n+line {number}",
    }
    return ReportedChange.model_validate({**plain, **fields})


REPORTS = tuple(report(number) for number in (50, 30, 10))


@contextlib.asynccontextmanager
async def stored(reports: Sequence[ReportedChange], store: Store, folder: Path) -> AsyncIterator[ChangeSource]:
    """What was reported to Quell."""
    async with store.write() as tx:
        for each in reports:
            change = told(each, "report")
            assert change is not None
            assert await tx.changes.add(change)
    yield StoredChanges(store)


@contextlib.asynccontextmanager
async def in_a_file(reports: Sequence[ReportedChange], store: Store, folder: Path) -> AsyncIterator[ChangeSource]:
    """JSON lines."""
    path = folder / "changes.jsonl"
    path.write_text("".join(each.model_dump_json() + "\n" for each in reports))
    yield ChangeFiles([str(path)])


@contextlib.asynccontextmanager
async def in_git(reports: Sequence[ReportedChange], store: Store, folder: Path) -> AsyncIterator[ChangeSource]:
    """A real repository."""
    if GIT is None:
        pytest.skip("git is not installed")
    repository = folder / "clone"
    await asyncio.to_thread(_commit, repository, reports)
    wanted = GitRepository(service="shop", path=str(repository))
    yield GitCommits(ChangeSettings(git=(wanted,), git_program=GIT))


def _commit(repository: Path, reports: Sequence[ReportedChange]) -> None:
    def git(*arguments: str, at: str = "") -> None:
        who = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "a@b.c", "GIT_COMMITTER_NAME": "Ann"}
        dates = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at} if at else {}
        environment = {"PATH": os.defpath, "HOME": str(repository), "GIT_COMMITTER_EMAIL": "a@b.c", **who, **dates}
        command = [str(GIT), "-C", str(repository), *arguments]
        subprocess.run(command, check=True, env=environment, capture_output=True)

    repository.mkdir()
    git("init", "--initial-branch=main")
    (repository / ".gitattributes").write_text("*.txt diff=evil\n")
    for each in sorted(reports, key=lambda one: str(one.at)):
        (repository / f"{each.title}.txt").write_text(each.diff)
        git("add", "-A")
        git("commit", "--message", each.title, at=each.at.isoformat() if each.at else "")
    git("config", "diff.evil.textconv", f"touch {repository}/ran; cat")
    git("config", "diff.external", f"touch {repository}/ran")
    git("config", "core.fsmonitor", f"touch {repository}/ran")


class Played:
    """Whatever the live source answers comes from its recording."""

    def __init__(self, live: ChangeSource) -> None:
        self._live = live
        self._kept: dict[tuple[str, str], bytes] = {}
        self.name = "played"

    async def _look_up(self, port: str, key: str) -> bytes | None:
        return self._kept.get((port, key))

    async def query(self, query: ChangeQuery) -> ChangePage:
        self._kept["reported", query.key] = encode_reported(await self._live.query(query))
        return await RecordedChanges(self._look_up).query(query)

    async def status(self) -> SourceStatus:
        return await RecordedChanges(self._look_up).status()


@contextlib.asynccontextmanager
async def together(reports: Sequence[ReportedChange], store: Store, folder: Path) -> AsyncIterator[ChangeSource]:
    """The same, told twice."""
    async with stored(reports, store, folder) as first, in_a_file(reports, store, folder) as second:
        yield AllChanges([first, second, ChangeFiles([])])


@contextlib.asynccontextmanager
async def played(reports: Sequence[ReportedChange], store: Store, folder: Path) -> AsyncIterator[ChangeSource]:
    async with in_a_file(reports, store, folder) as live:
        yield Played(live)


Implementation = Callable[[Sequence[ReportedChange], Store, Path], AbstractAsyncContextManager[ChangeSource]]
IMPLEMENTATIONS: dict[str, Implementation] = {
    "reports": stored,
    "files": in_a_file,
    "git": in_git,
    "together": together,
    "played": played,
}


@pytest.fixture(params=list(IMPLEMENTATIONS.values()), ids=list(IMPLEMENTATIONS))
def implementation(request: pytest.FixtureRequest) -> Implementation:
    chosen: Implementation = request.param
    return chosen


async def test_changes_come_oldest_first_cleaned_and_with_who_told(
    implementation: Implementation, store: Store, tmp_path: Path
) -> None:
    async with implementation(REPORTS, store, tmp_path) as source:
        page = await source.query(QUERY)
        assert (await source.status()).reachable
    assert page.unanswered == ()
    assert [(one.at, one.actor, one.detail) for one in page.changes] == [(r.at, r.actor, r.title) for r in REPORTS]
    for one in page.changes:
        assert (one.service, one.kind) == ("shop", "commit")
        assert len(one.reference) == 40
        assert one.source
        assert "hunter2" not in one.text
        assert "line" in one.text


async def test_what_belongs_to_others_or_comes_later_is_not_told(
    implementation: Implementation, store: Store, tmp_path: Path
) -> None:
    later = ChangeQuery(
        service="shop", window=Window(start=NOON - timedelta(hours=1), end=NOON - timedelta(minutes=20))
    )
    async with implementation(REPORTS, store, tmp_path) as source:
        assert (await source.query(QUERY.model_copy(update={"service": "other"}))).changes == ()
        assert [one.detail for one in (await source.query(later)).changes] == ["change 50", "change 30"]


async def test_nothing_that_a_repository_configures_is_run(store: Store, tmp_path: Path) -> None:
    async with in_git(REPORTS, store, tmp_path) as source:
        assert len((await source.query(QUERY)).changes) == 3
    assert not (tmp_path / "clone" / "ran").exists()


async def test_a_folder_that_is_no_repository_hides_nothing_else(store: Store, tmp_path: Path) -> None:
    if GIT is None:
        pytest.skip("git is not installed")
    broken = GitRepository(service="shop", path=str(tmp_path / "nowhere"))
    git = GitCommits(ChangeSettings(git=(broken,), git_program=GIT))
    async with in_a_file(REPORTS, store, tmp_path) as files:
        page = await AllChanges([git, files]).query(QUERY)
    assert len(page.changes) == 3
    assert "nowhere" in page.unanswered[0]
    assert not (await git.status()).reachable
    missing = GitCommits(ChangeSettings(git=(broken,), git_program=str(tmp_path / "no-git")))
    assert "cannot be started" in (await missing.query(QUERY)).unanswered[0]


async def test_git_is_stopped_when_it_takes_too_long(tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    one = GitRepository(service="shop", path=str(tmp_path))
    page = await GitCommits(ChangeSettings(git=(one,), git_program=str(slow), timeout_seconds=0.1)).query(QUERY)
    assert "too long" in page.unanswered[0]


async def test_a_branch_is_never_an_option_of_git() -> None:
    with pytest.raises(ValueError, match="branch"):
        GitRepository(service="shop", path=".", branch="--output=/tmp/x")


async def test_broken_lines_and_missing_files_are_told(tmp_path: Path) -> None:
    path = tmp_path / "changes.jsonl"
    path.write_text("no json\n" + REPORTS[0].model_dump_json() + "\n\n" + '{"kind": "deploy"}\n')
    page = await ChangeFiles([str(path), str(tmp_path / "gone")]).query(QUERY)
    assert len(page.changes) == 1
    assert [why.partition(": ")[2] for why in page.unanswered] == ["2 lines are no change", "No such file or directory"]
    assert "gone" in (await ChangeFiles([str(tmp_path / "gone")]).status()).detail


def test_long_texts_are_cut(store: Store) -> None:
    change = told(report(1, diff="+x\n" * 50_000, title="t" * 5000), "report")
    assert change is not None
    assert (len(change.text), len(change.detail)) == (MAX_TEXT_CHARACTERS, 500)


def test_a_deploy_that_two_sources_saw_is_one() -> None:
    seen = Change(service="shop", kind="deploy", at=NOON, before="v1", after="v2")
    reported = Change(
        service="shop", kind="deploy", at=NOON - timedelta(seconds=40), after="v2", reference="abc", source="report"
    )
    (one,) = merged([seen, reported])
    assert (one.at, one.before, one.after, one.reference) == (reported.at, "v1", "v2", "abc")
    assert len(merged([seen, reported.model_copy(update={"after": "v3"})])) == 2
    assert len(merged([seen, reported.model_copy(update={"at": NOON - timedelta(minutes=9)})])) == 2
    assert len(merged([seen, seen.model_copy(update={"at": NOON + timedelta(seconds=1)})])) == 2


async def test_the_store_keeps_a_change_once(store: Store, clock: ManualClock) -> None:
    change = told(report(5), "report")
    assert change is not None
    async with store.write() as tx:
        assert await tx.changes.add(change)
        assert not await tx.changes.add(change)
        assert await tx.changes.recent(limit=1) == [change]
