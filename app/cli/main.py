"""Entry point of `quell`: the table of commands, and what becomes of errors.

Nothing heavy is imported here, so that `quell --help` and a mistyped command answer at once.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from app.cli.options import SHARED_HELP, debug_wanted, take_shared_options
from core.errors import QuellError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
"""128 + SIGINT, as shells count."""

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "Break a small shop and watch Quell find and heal the cause."),
    "serve": ("serve", "Run API, worker and watcher until stopped."),
    "watch": ("watch", "Check the watched services without any Alertmanager."),
    "investigate": ("investigate", "Diagnose an alert without touching anything."),
    "replay": ("replay", "Run a recorded incident again and show what differs."),
    "incidents": ("incidents", "List, show, tell, export, stop, acknowledge and close incidents."),
    "approve": ("approvals", "Approve a proposed action, or list what waits."),
    "reject": ("approvals", "Reject a proposed action."),
    "alerts": ("alerts", "List what fires, and send a synthetic alert."),
    "actions": ("actions", "List the actions that were carried out."),
    "policy": ("policy", "Show what Quell may do; stop and resume all actions."),
    "audit": ("audit", "Show the audit trail, and prove that nobody changed it."),
    "services": ("services", "List services, and explain which one some labels mean."),
    "agents": ("agents", "List and show the agents: rungs, prompts, and what a model may call."),
    "models": ("models", "List, pull, check and time the language models."),
    "costs": ("costs", "Show what the language models cost, and what is left of the budget."),
    "supervise": ("supervise", "Own the local processes that quell.yaml declares."),
    "drill": ("drill", "Run fault-injection game days."),
    "changes": ("changes", "Report what was changed, and list it."),
    "calibrate": ("calibrate", "Let the confidence follow what became of the diagnoses."),
    "bench": ("bench", "Measure accuracy, speed and memory, beside named peers."),
    "config": ("config", "Write, check and show the configuration."),
    "doctor": ("doctor", "Check every integration and say how to fix it."),
    "db": ("db", "Migrate the database, or move it into another one."),
    "graph": ("graph", "Print the incident state machine as Mermaid."),
}
"""Command -> (module in `app.cli`, help). The module has a function or a `typer.Typer` of the command's name."""

COMPLETION = ("install_completion", "show_completion")
"""Options of `quell` itself, which typer repeats on every group."""


class LazyGroup(TyperGroup):
    """Knows its commands by name only; a module is imported when its command runs."""

    def __init__(self, **details: Any) -> None:
        super().__init__(**details)
        self.commands = dict.fromkeys(COMMANDS)  # type: ignore[assignment]  # names only: for "did you mean"

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return load_command(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def load_command(name: str) -> Any:
    """Import the module of a command and build it; log lines go to standard error, so that results stay parseable."""
    from app.telemetry import configure_logging

    configure_logging(level="warning")
    found = getattr(importlib.import_module(f"app.cli.{COMMANDS[name][0]}"), name)
    if not isinstance(found, typer.Typer):
        single = typer.Typer(rich_markup_mode=None, add_completion=False)
        single.command(name)(found)
        found = single
    command = typer.main.get_command(found)
    command.name = name
    command.epilog = SHARED_HELP
    command.params = [each for each in command.params if each.name not in COMPLETION]
    for each in getattr(command, "commands", {}).values():
        each.epilog = SHARED_HELP
        each.short_help = (each.help or "").partition("\n\n")[0]  # whole: without it, typer cuts at 45 characters
    return command


def root_command() -> TyperGroup:
    """The whole command tree, not yet loaded."""
    root = typer.Typer(cls=LazyGroup, rich_markup_mode=None, no_args_is_help=True, epilog=SHARED_HELP)
    root.callback()(_describe)
    group = typer.main.get_command(root)
    assert isinstance(group, LazyGroup)  # noqa: S101  # `cls` says so
    return group


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # slow to import

        print(f"quell {version('quell')}")
        raise typer.Exit


def _describe(
    _: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_tell_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Find the cause of an incident with evidence, heal what policy allows, and prove that the service recovered."""


def main(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code: 0 done, 1 failed, 2 usage, 3 needs a human.

    The boundary of the program: no traceback passes it unless ``--debug`` or ``QUELL_DEBUG`` asks for one.
    """
    try:
        result = root_command().main(args=take_shared_options(arguments), prog_name="quell", standalone_mode=False)
        sys.stdout.flush()
    except TyperException as error:
        return _tell_usage(error)
    except QuellError as error:
        _tell(str(error), details=debug_wanted())
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return EXIT_FAILED
    except Exception as error:  # noqa: BLE001  # the boundary of the program: a bug is told in one line
        details = debug_wanted()
        _tell(f"internal error: {type(error).__name__} (run again with --debug for the details)", details=details)
        return EXIT_FAILED
    return result if isinstance(result, int) else 0


def run() -> None:
    """The console script."""
    sys.exit(main(sys.argv[1:]))


def _tell(line: str, *, details: bool) -> None:
    if details:
        traceback.print_exc()
    print(f"error: {' '.join(line.split())}", file=sys.stderr)


def _tell_usage(error: TyperException) -> int:
    message = error.format_message()
    if "\n" in message:  # a group without a command: typer sends its help along
        print(message, file=sys.stderr)
    else:
        context = getattr(error, "ctx", None)
        where = context.command_path if context else "quell"
        _tell(f"{message.rstrip('.')} (see `{where} --help`)", details=False)
    return EXIT_USAGE


def _silence_stdout() -> None:
    """Python flushes at exit; the reader is gone, so that must go nowhere (docs.python.org/3/library/signal.html)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    run()
