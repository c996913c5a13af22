"""What each command prints with ``--json``: docs/reference/json is made from this, and tests hold it true."""

from __future__ import annotations

from agents.summaries.text import IncidentText
from analysis.calibration.model import Refit
from app.operations.model_check import ModelCheck
from app.operations.models import ModelBench, ModelListing, PulledModels
from app.operations.outputs import (
    ActionList,
    AgentDetail,
    AgentList,
    AlertList,
    ApprovalList,
    AuditPage,
    ChangeList,
    ConfigListing,
    ConfigReport,
    CostReport,
    DatabaseCopy,
    DoctorReport,
    ExportedBundle,
    IncidentDetail,
    IncidentList,
    KeptChanges,
    PolicyState,
    SchemaStatus,
    SentAlerts,
    ServiceExplanation,
    ServiceList,
    WatchRound,
)
from bench.result import BenchResult, BenchSuite
from core.models import Approval, Incident, Model
from drills.results import DemoReport, Scoreboard
from drills.scenario import ScenarioList
from graphs.investigation import Investigation
from graphs.replay import Replay
from stores.audit import AuditReport

JSON_OUTPUTS: dict[str, tuple[type[Model], ...]] = {
    "demo": (DemoReport,),
    "watch": (WatchRound,),
    "investigate": (Investigation,),
    "replay": (Replay,),
    "incidents list": (IncidentList,),
    "incidents show": (IncidentDetail,),
    "incidents export": (ExportedBundle,),
    "incidents stop": (Incident,),
    "incidents acknowledge": (Incident,),
    "incidents close": (Incident,),
    "incidents summary": (IncidentText,),
    "approve": (Approval, ApprovalList),
    "reject": (Approval,),
    "alerts list": (AlertList,),
    "alerts send": (SentAlerts,),
    "actions": (ActionList,),
    "policy show": (PolicyState,),
    "policy stop": (PolicyState,),
    "policy resume": (PolicyState,),
    "audit show": (AuditPage,),
    "audit verify": (AuditReport,),
    "services list": (ServiceList,),
    "services explain": (ServiceExplanation,),
    "agents list": (AgentList,),
    "agents show": (AgentDetail,),
    "models list": (ModelListing,),
    "models pull": (PulledModels,),
    "models check": (ModelCheck,),
    "models bench": (ModelBench,),
    "costs": (CostReport,),
    "drill list": (ScenarioList,),
    "drill run": (Scoreboard,),
    "changes add": (KeptChanges,),
    "changes list": (ChangeList,),
    "calibrate": (Refit,),
    "bench": (BenchResult, BenchSuite),
    "config validate": (ConfigReport,),
    "config show": (ConfigListing,),
    "doctor": (DoctorReport,),
    "db upgrade": (SchemaStatus,),
    "db status": (SchemaStatus,),
    "db copy": (DatabaseCopy,),
}
"""Command -> its output; the second one is what it prints without its argument."""
