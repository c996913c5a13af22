"""`quell models`: which language models are there, whether they answer, and how quick they are."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from app.cli.backend import user
from app.cli.options import JsonOption, load_settings
from app.cli.output import emit, line, plain, table
from app.operations.model_check import ModelCheck, check_models
from app.operations.models import ModelBench, ModelListing, PulledModels, bench_models, list_models, pull_models

NONE = "no models are configured: rules only (set OLLAMA_HOST or OPENAI_API_KEY, or `models:` in quell.yaml)"
GIGABYTE = 1e9

models = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The language models.")


@models.callback()
def _group() -> None:
    """The language models."""


@models.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the models that are configured or pulled, and what each is asked for."""
    emit(asyncio.run(list_models(load_settings())), as_json, _render_list)


@models.command("pull")
def pull(
    names: Annotated[list[str] | None, typer.Argument(help="Models; none: those configured and missing.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Download local models; progress goes to standard error."""

    def tell(step: str) -> None:
        print(plain(step), file=sys.stderr)

    emit(asyncio.run(pull_models(load_settings(), tuple(names or ()), tell)), as_json, _render_pull)


@models.command("check")
def check(as_json: JsonOption = False) -> None:
    """Ask every configured rung one short question; exit 1 when one does not answer."""
    found = asyncio.run(check_models(load_settings(), user()))
    emit(found, as_json, _render_check)
    if not found.ok:
        raise typer.Exit(1)


@models.command("bench")
def bench(as_json: JsonOption = False) -> None:
    """Time the local models, and say for which tasks each is quick enough."""
    emit(asyncio.run(bench_models(load_settings())), as_json, _render_bench)


def _render_list(found: ModelListing) -> None:
    marks = {True: "yes", False: "no", None: ""}
    rows = [
        (
            each.rung.value,
            each.name,
            marks[each.pulled],
            marks[each.tools],
            each.context_tokens,
            f"{each.size_bytes / GIGABYTE:.1f}" if each.size_bytes else "",
            ", ".join(each.asked_for),
        )
        for each in found.models
    ]
    table(("RUNG", "MODEL", "PULLED", "TOOLS", "CONTEXT", "GB", "ASKED FOR"), rows, empty=NONE)
    for problem in found.problems:
        line(problem)


def _render_pull(found: PulledModels) -> None:
    line(f"pulled {', '.join(found.models)}" if found.models else "nothing to pull")


def _render_check(found: ModelCheck) -> None:
    rows = [
        (
            "ok" if each.ok else "BROKEN",
            each.rung.value,
            each.model,
            f"{each.seconds:.2f}" if each.ok else "",
            f"{each.cost_usd:.6f}" if each.cost_usd else "",
            "; ".join(told for told in (each.problem, *each.notes) if told),
            each.fix,
        )
        for each in found.rungs
    ]
    table(("", "RUNG", "MODEL", "SECONDS", "USD", "DETAIL", "FIX"), rows, empty=NONE)


def _render_bench(found: ModelBench) -> None:
    rows = [
        (
            each.name,
            task.task.value,
            f"{task.expected_seconds:.2f}",
            f"{task.deadline_seconds:g}",
            "asked" if task.asked else "too slow: not asked",
        )
        for each in found.models
        for task in each.tasks
    ]
    table(("MODEL", "TASK", "SECONDS", "ALLOWED", ""), rows, empty="no local model is configured and pulled")
    for model in found.models:
        if model.problem:
            line(f"{model.name} could not be timed: {model.problem}")
    if found.missing:
        line(f"not pulled: {', '.join(found.missing)} (run `quell models pull`)")
