"""The one place where operations are registered: the API's routes and the client's calls are derived from it."""

from __future__ import annotations

from typing import Any

from app.operations.actions import list_actions
from app.operations.alerts import list_alerts
from app.operations.approvals import approve, list_approvals, reject
from app.operations.audit import show_audit, verify_audit
from app.operations.calibration import calibrate
from app.operations.changes import list_changes, report_changes
from app.operations.costs import show_costs
from app.operations.incidents import (
    acknowledge_incident,
    close_incident,
    list_incidents,
    show_incident,
    stop_incident,
)
from app.operations.operation import Operation
from app.operations.policy import resume_actions, show_policy, stop_all_actions
from app.operations.services import explain_labels, list_services
from app.operations.summaries import summarise_incident

OPERATIONS: tuple[Operation[..., Any], ...] = (
    list_incidents,
    show_incident,
    acknowledge_incident,
    stop_incident,
    close_incident,
    summarise_incident,
    list_approvals,
    approve,
    reject,
    list_actions,
    show_audit,
    verify_audit,
    list_services,
    explain_labels,
    show_policy,
    stop_all_actions,
    resume_actions,
    calibrate,
    report_changes,
    list_changes,
    list_alerts,
    show_costs,
)
