"""`quell services`: the inventory."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.backend import ask
from app.cli.options import JsonOption, ServerOption
from app.cli.output import emit, line, pairs, table
from app.operations import services as operations
from app.operations.outputs import ServiceExplanation, ServiceList
from core.errors import UsageError

services = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What Quell knows of your services.")


@services.command("list")
def list_services(server: ServerOption = "", as_json: JsonOption = False) -> None:
    """List every known service and where it was seen."""
    emit(ask(server, operations.list_services), as_json, _render_list)


@services.command()
def explain(
    labels: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="Labels of an alert.")],
    server: ServerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say which service some labels mean, and why."""
    emit(ask(server, operations.explain_labels, labels=_parse(labels)), as_json, _render_explanation)


def _parse(labels: list[str]) -> dict[str, str]:
    pairs = dict(each.split("=", 1) for each in labels if "=" in each)
    if len(pairs) != len(labels):
        raise UsageError("labels are written name=value, each name once", fix="such as job=checkout severity=page")
    return pairs


def _render_list(found: ServiceList) -> None:
    rows = [
        (
            s.name,
            s.kind,
            s.tier,
            s.owner,
            ", ".join(s.dependencies),
            s.autonomy.default or "",
            "yes" if s.protected else "",
            ", ".join(s.provenance),
        )
        for s in found.services
    ]
    columns = ("NAME", "KIND", "TIER", "OWNER", "DEPENDS ON", "AUTONOMY", "PROTECTED", "SEEN IN")
    table(columns, rows, empty="no services: add `services`, `processes` or `scrape.targets` to quell.yaml")


def _render_explanation(explanation: ServiceExplanation) -> None:
    resolution, service = explanation.resolution, explanation.service
    line(resolution.service or "no service", "-", resolution.reason)
    pairs(
        (
            ("candidates", ", ".join(resolution.candidates)),
            ("depends on", ", ".join(service.dependencies) if service else ""),
        )
    )
