"""The command line: fast to answer, clear when something is wrong, silent about its insides."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from app.cli import main as cli
from app.cli.main import COMMANDS, main
from app.cli.options import chosen_file
from app.cli.output import plain
from core.errors import NotFound

HEAVY = ("langgraph", "sqlalchemy", "pydantic_settings", "fastapi", "numpy", "httpx", "rich")


def quell(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "app.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("arguments", [["--help"], ["incidnts"], []])
def test_help_and_typing_errors_import_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom app.cli.main import main\n"
        f"main({arguments!r})\n"
        f"print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines()[-1] == "HEAVY []", done.stdout + done.stderr


def test_help_lists_every_command_with_its_line() -> None:
    shown = quell("--help").stdout
    for name, (_, text) in COMMANDS.items():
        assert f"  {name} " in shown
        assert text.split(".")[0][:30] in shown


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert f"Usage: quell {name}" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"quell {version('quell')}\n"


@pytest.mark.parametrize("name", ["config", "incidents", "models", "agents", "db"])
def test_a_group_tells_its_commands_whole_and_nothing_else(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "..." not in shown.partition("Commands:")[2]
    assert "completion" not in shown


def test_the_shared_options_are_told_at_every_depth(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["doctor"], ["incidents"], ["incidents", "show"]):
        assert main([*arguments, "--help"]) == 0
        assert "--config FILE" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["incidnts"], 2, "Did you mean 'incidents'"),
        (["incidents", "list", "--nope"], 2, "No such option: --nope"),
        (["incidents", "show"], 2, "Missing argument"),
        (["incidents", "close", "x", "--as", "maybe"], 2, "maybe"),
        (["incidents", "list", "--limit", "0"], 2, "greater than or equal to 1"),
        (["--config"], 2, "--config needs a file"),
        (["incidents", "list", "--config", "none.yaml"], 2, "none.yaml: no such file"),
        (["incidents", "list"], 1, "quell db upgrade"),
        (["services", "explain", "gateway", "--server", "localhost"], 2, "name=value"),
        (["services", "list", "--server", "localhost"], 2, "not an address"),
        (["services", "list", "--server", "http://127.0.0.1:1"], 1, "does not answer"),
        (["replay", "none"], 1, "none"),
        (["serve", "--host", "::"], 2, "--allow-insecure-bind"),
    ],
)
def test_every_error_is_one_line_with_a_fix(
    arguments: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert told in line
    assert line.endswith(")")


def test_a_group_without_a_command_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["incidents"]) == 2
    assert "acknowledge" in capsys.readouterr().err


def failing(error: BaseException) -> object:
    def actions() -> None:
        raise error

    return actions


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (NotFound("no incident\nx", fix="look"), 1, "error: no incident x (look)"),
        (RuntimeError("a secret"), 1, "error: internal error: RuntimeError (run again with --debug for the details)"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_a_command_raises_ends_in_a_line_and_a_code(
    error: BaseException, code: int, told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cli.actions.actions", failing(error))
    assert main(["actions"]) == code
    assert capsys.readouterr().err.strip() == told


@pytest.mark.parametrize("how", ["flag", "variable"])
def test_debug_shows_the_details_of_a_bug(
    how: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cli.actions.actions", failing(RuntimeError("the details")))
    if how == "variable":
        monkeypatch.setenv("QUELL_DEBUG", "1")
    assert main(["actions", *(["--debug"] if how == "flag" else [])]) == 1
    assert "RuntimeError: the details" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--config", "a.yaml", "config", "show"],
        ["config", "--config=a.yaml", "show"],
        ["config", "show", "--config", "a.yaml"],
    ],
)
def test_the_configuration_is_named_anywhere_on_the_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.yaml").write_text("server: {port: 4711}")
    assert main(arguments) == 0
    assert "4711" in capsys.readouterr().out
    assert main(["config", "validate"]) == 0
    assert chosen_file() is None


def test_after_two_dashes_nothing_is_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["incidents", "list", "--", "--config"]) == 2
    assert "--config" in capsys.readouterr().err


def test_a_closed_pipe_is_no_error() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli.main", "config", "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert err == b""


def test_what_strangers_wrote_cannot_steer_the_terminal() -> None:
    assert plain("a\x1b[31mb\x07\u202ec\nd") == "a\ufffd[31mb\ufffd\ufffdc d"


def test_config_init_validate_and_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "init"]) == 0
    assert main(["config", "validate"]) == 0
    assert main(["config", "init"]) == 2
    assert main(["config", "init", "--force"]) == 0
    capsys.readouterr()
    assert main(["config", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["properties"]["server"]
    Path("quell.yaml").write_text("server: {prot: 1}\nsever: {}\n")
    assert main(["config", "validate"]) == 2
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "quell.yaml: server.prot: unknown key: did you mean 'port'?"
    assert len(told) == 2


def test_the_table_names_modules_that_exist() -> None:
    for name in COMMANDS:
        assert cli.load_command(name).name == name
