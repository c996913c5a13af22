"""The generated reference is what the program declares, and nothing is left undocumented."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import core.errors
from app import reference
from app.settings import Settings
from core.errors import QuellError

ROOT = Path(reference.__file__).parent.parent


def test_the_reference_in_the_repository_is_up_to_date() -> None:
    """In a process of its own, as `make docs` makes it: what other tests left behind is no part of it."""
    checked = subprocess.run(
        [sys.executable, "-m", "app.reference", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_check_tells_what_is_outdated_and_writing_repairs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0
    (tmp_path / reference.TARGET / "cli.md").write_text("edited")
    (tmp_path / reference.TARGET / "stale.md").write_text("left over")
    assert reference.main(["--check"]) == 1
    told = capsys.readouterr().err
    assert "cli.md" in told
    assert "stale.md" in told
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0


def test_every_setting_and_every_error_is_there() -> None:
    pages = reference.pages()
    for name in Settings.model_fields:
        assert f"`{name}" in pages["configuration.md"]
    for kind in vars(core.errors).values():
        if isinstance(kind, type) and issubclass(kind, QuellError):
            assert f"`{kind.__name__}`" in pages["errors.md"]
