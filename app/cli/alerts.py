"""`quell alerts`: what fires and what was kept quiet, and a synthetic alert as Alertmanager would post it."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.backend import ask, on_backend
from app.cli.options import JsonOption, LimitOption, ServerOption, load_settings
from app.cli.output import emit, line, suppressions, table, when
from app.operations import alerts as operations
from app.operations.outputs import AlertList
from core.models import Severity

alerts = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Alerts: what fires, and one by hand.")


@alerts.callback()
def _group() -> None:
    """Alerts: what fires, and one by hand."""


@alerts.command("list")
def list_alerts(
    service: Annotated[str | None, typer.Option(help="Only of this service.")] = None,
    limit: LimitOption = 100,
    server: ServerOption = "",
    as_json: JsonOption = False,
) -> None:
    """List what fires, and what started no incident because it repeats false alarms."""
    emit(ask(server, operations.list_alerts, service=service, limit=limit), as_json, _render_list)


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
    body = operations.synthetic_alert(
        name, service, severity, resolved=resolve, summary=summary, at=load_settings().clock.now()
    )
    sent = on_backend(server, lambda backend: backend.send_alerts(body))
    emit(sent, as_json, lambda result: line("the alert is kept: a running `quell serve` takes it from there"))


def _render_list(found: AlertList) -> None:
    rows = [(a.name, a.severity, a.service, when(a.starts_at), a.annotations.get("summary", "")) for a in found.firing]
    table(("ALERT", "SEVERITY", "SERVICE", "SINCE", "SUMMARY"), rows, empty="no alert fires")
    suppressions(found.suppressed)
