"""`quell incidents`: list, show, tell, export, stop, acknowledge, close."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from agents.models import Findings
from agents.summaries.text import IncidentText, TextKind
from analysis.brief import brief, causes
from app.cli.backend import ask, on_backend, user
from app.cli.options import JsonOption, LimitOption, ServerOption
from app.cli.output import emit, line, pairs, suppressions, table, when
from app.cli.output import plain as shown
from app.operations import incidents as operations
from app.operations.outputs import IncidentDetail, IncidentList
from app.operations.summaries import summarise_incident
from core.models import Decision, Diagnosis, FaultKind, Incident, IncidentStatus, Judgement

incidents = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What happened, and what was done about it.")

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Such as inc_5b1c0d3f9a2e.")]


@incidents.command("list")
def list_incidents(
    status: Annotated[list[IncidentStatus] | None, typer.Option(help="Only of this status; may be repeated.")] = None,
    service: Annotated[str | None, typer.Option(help="Only of this service.")] = None,
    limit: LimitOption = 100,
    server: ServerOption = "",
    as_json: JsonOption = False,
) -> None:
    """List incidents, newest first."""
    found = ask(server, operations.list_incidents, status=status, service=service, limit=limit)
    emit(found, as_json, _render_list)


@incidents.command()
def show(
    incident_id: IdArgument,
    on_a_page: Annotated[bool, typer.Option("--brief", help="Causes, findings and what the evidence says.")] = False,
    server: ServerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show all that is on record about one incident."""
    detail = ask(server, operations.show_incident, incident_id=incident_id)
    emit(detail, as_json, _render_brief if on_a_page else _render_detail)


@incidents.command()
def export(
    incident_id: IdArgument,
    to: Annotated[Path | None, typer.Option(metavar="FOLDER", help="New folder; the id when not given.")] = None,
    server: ServerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Write an incident as a folder that `quell replay` runs again."""
    folder = to or Path(incident_id)
    bundle = on_backend(server, lambda backend: backend.export(incident_id, folder))
    emit(bundle, as_json, lambda result: line("exported to", result.path))


@incidents.command()
def stop(incident_id: IdArgument, server: ServerOption = "", as_json: JsonOption = False) -> None:
    """Hand an incident to a human before Quell's next step."""
    changed = ask(server, operations.stop_incident, incident_id=incident_id, by=user())
    emit(changed, as_json, lambda result: line(result.id, "will be handed to a human before the next step"))


@incidents.command()
def acknowledge(incident_id: IdArgument, server: ServerOption = "", as_json: JsonOption = False) -> None:
    """Note that you have seen an incident; Quell goes on."""
    changed = ask(server, operations.acknowledge_incident, incident_id=incident_id, by=user())
    emit(changed, as_json, lambda result: line(result.id, "acknowledged by", result.acknowledged_by))


@incidents.command()
def close(
    incident_id: IdArgument,
    judged: Annotated[Judgement, typer.Option("--as", help="Whether something was really wrong.")],
    cause: Annotated[
        str, typer.Option(metavar="SERVICE", help="The service that it really was: `quell calibrate` learns from it.")
    ] = "",
    kind: Annotated[
        FaultKind | None, typer.Option(metavar="KIND", help="What was wrong with it: crash, hang, bad_release ...")
    ] = None,
    server: ServerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Close an incident that has ended, and say whether it was real."""
    changed = ask(
        server,
        operations.close_incident,
        incident_id=incident_id,
        judged=judged,
        cause_service=cause or None,
        cause_kind=kind,
        by=user(),
    )
    emit(changed, as_json, lambda result: line(result.id, "closed as", result.judged))


@incidents.command()
def summary(
    incident_id: IdArgument,
    kind: Annotated[TextKind, typer.Option("--as", help="What the text is for.")] = TextKind.SUMMARY,
    plain: Annotated[bool, typer.Option("--plain", help="Ask no model: only what the record says.")] = False,
    server: ServerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Tell an incident in markdown: every sentence cites evidence, or says that it is an opinion."""
    told = ask(server, summarise_incident, incident_id=incident_id, kind=kind, ask_models=not plain, by=user())
    emit(told, as_json, _render_text)


def _render_text(told: IncidentText) -> None:
    for note in told.notes:
        print(shown(f"note: {note}"), file=sys.stderr)
    for each in told.markdown.rstrip("\n").split("\n"):
        line(each)


def _render_brief(detail: IncidentDetail) -> None:
    said = {decision.agent: decision.result for decision in detail.decisions}
    diagnosis = _diagnosis(detail)
    if diagnosis is None:
        line(detail.incident.id, "has not been diagnosed yet")
        return
    findings = Findings.model_validate_json(said["anomaly"]).findings if "anomaly" in said else ()
    for each in brief(diagnosis, findings, detail.evidence).split("\n"):
        line(each)


def _render_list(found: IncidentList) -> None:
    rows = [(i.id, i.status, i.severity, i.service, _cause(i), when(i.opened_at), i.title) for i in found.incidents]
    table(("ID", "STATUS", "SEVERITY", "SERVICE", "CAUSE", "OPENED", "TITLE"), rows, empty="no incidents")
    suppressions(found.suppressed)


def _render_detail(detail: IncidentDetail) -> None:
    incident = detail.incident
    pairs(
        (
            ("id", incident.id),
            ("title", incident.title),
            ("status", incident.status),
            ("severity", incident.severity),
            ("service", incident.service),
            ("cause", _cause(incident)),
            ("outcome", incident.outcome),
            ("opened", when(incident.opened_at)),
            ("ended", when(incident.ended_at)),
            ("acknowledged", incident.acknowledged_by),
            ("judged", incident.judged),
            ("cost", _cost(detail)),
        )
    )
    diagnosis = _diagnosis(detail)
    if diagnosis is not None:
        print("\ndiagnosis")
        for told in causes(diagnosis):
            line(" ", told)
    _render_decisions(detail.decisions)
    print("\ntimeline")
    for entry in detail.timeline:
        line(" ", when(entry.at), f"{entry.kind:<12}", entry.text)
    print("\nevidence")
    for evidence in detail.evidence:
        line(" ", evidence.id, f"{evidence.tool:<16}", evidence.error or evidence.digest.summary)
    for approval in detail.approvals:
        line("approval", approval.id, approval.state, approval.proposal.action, approval.proposal.service)
    for action in detail.actions:
        recovery = action.verification.recovery if action.verification else "not verified"
        line("action", action.id, action.state, action.proposal.action, action.proposal.service, recovery)


def _render_decisions(made: Sequence[Decision]) -> None:
    """Who answered what, how sure, and at what price; why a rung was left stands on the timeline."""
    if not made:
        return
    print("\ndecisions")
    rows = [
        (
            when(each.at),
            each.agent,
            each.rung,
            each.model,
            f"{each.confidence:.0%}",
            f"{each.seconds:.1f}",
            f"{each.cost_usd:.4f}" if each.cost_usd else "",
            each.prompt_hash,
        )
        for each in made
    ]
    table(("AT", "AGENT", "RUNG", "MODEL", "SURE", "SECONDS", "USD", "PROMPT"), rows, empty="")


def _diagnosis(detail: IncidentDetail) -> Diagnosis | None:
    """The last one that was made."""
    said = [each.result for each in detail.decisions if each.agent == "rca"]
    return Diagnosis.model_validate_json(said[-1]) if said else None


def _cost(detail: IncidentDetail) -> str:
    """What models cost, calls under way at their worst case; nothing where none was asked."""
    if not detail.calls:
        return ""
    usd = sum(call.cost_usd for call in detail.calls)
    return f"{usd:.4f} USD for {len(detail.calls)} model calls"


def _cause(incident: Incident) -> str:
    if incident.cause_kind is None:
        return ""
    confidence = f" ({incident.confidence:.0%})" if incident.confidence is not None else ""
    return f"{incident.cause_service}: {incident.cause_kind}{confidence}"
