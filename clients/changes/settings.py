"""Settings of the sources of changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Self

from pydantic import Field

from core.models import Model


class GitRepository(Model):
    """A local clone whose commits are changes of a service."""

    service: str = Field(min_length=1, description="name in the inventory")
    path: str = Field(min_length=1, description="folder of the clone, or a bare repository; it is only read")
    folder: str = Field(default="", description="only commits that touch this folder of it")
    branch: str = Field(
        default="HEAD", pattern=r"^[A-Za-z0-9_][\w./-]*$", description="branch or tag that is deployed from"
    )


class ChangeSettings(Model):
    """Where Quell learns of changes besides the actuators and `POST /api/changes`."""

    files: tuple[str, ...] = Field(default=(), description="files of JSON lines, each a change as the API takes it")
    git: tuple[GitRepository, ...] = ()
    git_program: str = Field(default="/usr/bin/git", description="path of git")
    commit_days: float = Field(
        default=7.0, gt=0, description="older commits are not read: a deploy may come days later"
    )
    max_commits: int = Field(default=50, ge=1, le=1000, description="newest commits read of a repository")
    timeout_seconds: float = Field(default=10.0, gt=0, description="after which git is stopped")

    def rooted(self, path_of: Callable[[str], Path]) -> Self:
        """The same with relative paths made absolute."""
        files = tuple(str(path_of(name)) for name in self.files)
        git = tuple(one.model_copy(update={"path": str(path_of(one.path))}) for one in self.git)
        return self.model_copy(update={"files": files, "git": git})
