"""The Dockerfile, and what may reach its builder."""

from __future__ import annotations

import re
import tomllib

from tests.infrastructure.stack import FOLDER, ROOT, services, settings

DOCKERFILE = (FOLDER / "Dockerfile").read_text()
INSTRUCTIONS = re.findall(r"^([A-Z]+) +((?:.*\\\n)*.*)$", DOCKERFILE, re.MULTILINE)
BUILD, FINAL = [
    [(word, rest) for word, rest in INSTRUCTIONS[start:end]]
    for starts in [[at for at, (word, _) in enumerate(INSTRUCTIONS) if word == "FROM"]]
    for start, end in zip(starts, [*starts[1:], None], strict=True)
]


def of(stage: list[tuple[str, str]], word: str) -> list[str]:
    return [rest for each, rest in stage if each == word]


def test_two_stages_on_one_pinned_python_3_11() -> None:
    bases = {rest.split()[0] for rest in of(INSTRUCTIONS, "FROM")}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-[a-z]+", bases.pop())


def test_everything_installed_is_in_the_lock_with_its_hash() -> None:
    installs = re.findall(r"(?:pip|uv pip) install[^&]*", " ".join(of(BUILD, "RUN")))
    assert installs
    for each in installs:
        if "/wheels/" in each:
            assert "--no-deps" in each
        else:
            assert "--require-hashes" in each
            assert "requirements.lock" in each or "/tmp/uv.txt" in each
    [build] = re.findall(r"uv build[^&]*", " ".join(of(BUILD, "RUN")))
    assert "--require-hashes" in build
    assert "--build-constraints requirements.lock" in build
    assert "curl" not in DOCKERFILE
    assert "ADD" not in {word for word, _ in INSTRUCTIONS}


def test_the_lock_holds_what_the_builder_cuts_out_of_it() -> None:
    """The builder takes the lines of uv from the lock by their form."""
    found = re.search(
        r"^uv==[\d.]+ \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", (ROOT / "requirements.lock").read_text(), re.M
    )
    assert found is not None
    assert not found.group().endswith("\\\n")


def test_the_final_stage_has_no_tools_and_no_root() -> None:
    assert of(FINAL, "COPY") == ["--from=build /opt/quell /opt/quell"]
    assert of(FINAL, "USER") == ["10001:10001"]
    words = [word for word, _ in FINAL]
    assert words.index("RUN") < words.index("USER") < words.index("ENTRYPOINT")
    assert of(FINAL, "ENTRYPOINT") == ['["quell"]']
    assert f":{settings().server.port}/healthz" in of(FINAL, "HEALTHCHECK")[0]


def test_the_data_folder_is_the_users_and_is_where_the_stack_puts_it() -> None:
    [volume] = of(FINAL, "VOLUME")
    assert f"--owner quell --group quell --mode 0700 {volume}" in of(FINAL, "RUN")[0]
    assert str(settings().data_dir) == volume
    assert f"quell-data:{volume}" in services()["quell"]["volumes"]


def test_the_image_is_named_by_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert services()["quell"]["image"] == f"quell:{version}"


def test_the_builder_sees_the_packages_and_nothing_else() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    shown = {line[1:] for line in lines if line.startswith("!")}
    packages = set(
        tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    )
    assert packages <= shown
    assert shown - packages <= {
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "requirements.lock",
        "infrastructure",
        "runbooks",
    }
