"""`quell alerts send`: a synthetic alert, as Alertmanager would post it."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.backend import on_backend
from app.cli.options import JsonOption, ServerOption, load_settings
from app.cli.output import emit, line
from app.operations.alerts import synthetic_alert
from core.models import Severity

alerts = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Alerts by hand.")


@alerts.callback()
def _group() -> None:
    """Alerts by hand."""


@alerts.command()
def send(
    service: Annotated[str, typer.Option(help="What the alert is about.")],
    severity: Annotated[Severity, typer.Option(help="Critical and warning are investigated, info is recorded.")],
    name: Annotated[str, typer.Option(help="Its label alertname.")] = "QuellTest",
    summary: Annotated[str, typer.Option(help="Its annotation summary.")] = "",
    resolve: Annotated[bool, typer.Option("--resolve", help="Say that it is over.")] = False,
    server: ServerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Send one alert; sent again with --resolve it ends."""
    body = synthetic_alert(name, service, severity, resolved=resolve, summary=summary, at=load_settings().clock.now())
    sent = on_backend(server, lambda backend: backend.send_alerts(body))
    emit(sent, as_json, lambda result: line("kept as", *result.ids, "- a running `quell serve` takes it from there"))
