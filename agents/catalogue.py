"""All agents, in the order in which an incident meets them; docs and `quell agents list` are made from it."""

from __future__ import annotations

from typing import Any

from agents import anomaly, classifier, healing, log_classifier, rca
from agents.spec import AgentSpec

ALL: tuple[AgentSpec[Any, Any], ...] = (classifier.SPEC, anomaly.SPEC, rca.SPEC, healing.SPEC, log_classifier.SPEC)
