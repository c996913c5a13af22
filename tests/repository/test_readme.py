"""The README shows the state machine as it is, and names commands and pages that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.cli.main import COMMANDS
from graphs.incident import diagram

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_diagram_is_the_graph() -> None:
    shown = re.search(r"```mermaid\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert shown is not None
    assert shown.group(1).strip() == diagram().strip()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_commands_that_pages_show_exist() -> None:
    pages = [page for page in PAGES if page.name != "architecture.md"]
    shown = {name for page in pages for name in re.findall(r"^quell ([a-z-]+)", page.read_text(), re.MULTILINE)}
    assert shown
    assert shown <= set(COMMANDS)
