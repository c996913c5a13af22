"""What goes into each agent and what comes out, where `core.models` has no noun for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import Field

from analysis.calibration.model import Calibration
from analysis.calibration.shipped import shipped
from analysis.config import AnalysisConfig
from analysis.view import SystemView
from core.models import (
    ActionOption,
    Alert,
    Diagnosis,
    Evidence,
    Finding,
    Model,
    Proposal,
    Remedy,
    Service,
    ServiceState,
    Severity,
)
from core.ports import Recollection


class TriageInput(Model):
    """The alerts of an incident and the service they were resolved to, empty when to none."""

    alerts: tuple[Alert, ...]
    service: str = ""
    evidence: tuple[Evidence, ...] = Field(default=(), description="what a model may cite")


@dataclass(frozen=True, slots=True)
class AnomalyInput:
    """A system to look at, and what a model may cite. Not a model: views hold arrays."""

    view: SystemView
    config: AnalysisConfig
    evidence: tuple[Evidence, ...] = ()


class Assessment(Model):
    """What a model makes of findings; it neither adds to them nor takes away from them."""

    detected: bool = Field(description="whether anything really left its normal")
    confidence: float = Field(ge=0, le=1)
    severity: Severity
    pattern: str = Field(description="name of a known shape of trouble; empty for none")
    recommendation: str
    evidence: tuple[str, ...] = ()


class Findings(Model):
    """What left its baseline, strongest first."""

    findings: tuple[Finding, ...] = ()
    assessment: Assessment | None = Field(default=None, description="of a model; None when none was asked")


@dataclass(frozen=True, slots=True)
class RcaInput:
    """A system, what was found unusual in it, and how sure that makes. Not a model: views hold arrays."""

    view: SystemView
    findings: tuple[Finding, ...]
    config: AnalysisConfig
    calibration: Calibration = field(default_factory=shipped)
    evidence: tuple[Evidence, ...] = ()
    recollections: tuple[Recollection, ...] = ()


class HealingInput(Model):
    """A diagnosis and all that may be done about it."""

    diagnosis: Diagnosis
    symptom: str = Field(default="", description="service that the alert is about; recovery is checked there too")
    services: tuple[Service, ...] = Field(description="the inventory: nothing else may be named")
    states: tuple[ServiceState, ...] = ()
    options: tuple[ActionOption, ...] = Field(description="actions of the registry: nothing else may be proposed")
    tried: tuple[str, ...] = Field(default=(), description="hashes of proposals that were carried out already")
    recollections: tuple[Recollection, ...] = ()
    evidence: tuple[Evidence, ...] = Field(default=(), description="what a model may cite")


class Plan(Model):
    """Proposals, best first, or none and why."""

    proposals: tuple[Proposal, ...] = ()
    reason: str = Field(description="why these, or why none")
    settled: bool = Field(
        default=False, description="none is the right answer: nothing is broken, or neither rules nor a model know any"
    )
    remedy: Remedy | None = Field(
        default=None, description="what would end the first cause, even where Quell has no action for it"
    )
