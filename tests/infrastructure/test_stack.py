"""`infrastructure/stack` makes secrets once, for the stack alone."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

from tests.infrastructure.stack import FOLDER, load


def make(folder: Path) -> dict[str, str]:
    environment = {"PATH": os.environ["PATH"], "STACK_SECRETS": str(folder)}
    done = subprocess.run([FOLDER / "stack"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    return {path.name: path.read_text().strip() for path in folder.iterdir()}


def test_it_makes_the_secrets_that_the_compose_file_names(tmp_path: Path) -> None:
    made = make(tmp_path / "secrets")
    assert set(made) == set(load("compose/compose.yaml")["secrets"])
    for name, secret in load("compose/compose.yaml")["secrets"].items():
        assert secret["file"].endswith(f"/{name}")
    assert len(set(made.values())) == len(made)
    assert all(len(value) >= 64 for value in made.values())
    assert made["quell_database_url"] == f"postgresql://quell:{made['postgres_password']}@postgres:5432/quell"
    assert f">{made['redis_password']} " in made["redis_users"]


def test_nobody_else_may_open_the_folder_and_containers_may_read_the_files(tmp_path: Path) -> None:
    make(tmp_path / "secrets")
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "secrets").iterdir()} == {0o444}


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    assert make(tmp_path / "secrets") == make(tmp_path / "secrets")


def test_secrets_lie_where_git_and_the_image_builder_do_not_look() -> None:
    ignored = (FOLDER.parent / ".gitignore").read_text().splitlines()
    assert ".quell/" in ignored
    files = {secret["file"] for secret in load("compose/compose.yaml")["secrets"].values()}
    assert all(file.startswith("${STACK_SECRETS:-../../.quell/stack}/") for file in files)
