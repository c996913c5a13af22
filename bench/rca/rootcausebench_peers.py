"""Trivial rules for RootCauseBench, the bar that reading diffs has to clear."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bench.rca.rootcausebench_files import Incident

Answer = tuple[str, str, str]
"""Commit or none, service, remedy."""

NEAR = timedelta(minutes=30)


def earliest_deploy(incident: Incident) -> Answer:
    """The earliest deploy on the alert's service in the half hour before the alert, else none."""
    return _blame(_deploys(incident, NEAR), incident, first=True)


def latest_deploy(incident: Incident) -> Answer:
    """The last deploy on the alert's service before the alert, however long ago (the benchmark's own baseline)."""
    return _blame(_deploys(incident, timedelta(days=365)), incident, first=False)


def always_none(incident: Incident) -> Answer:
    """No commit is ever guilty."""
    return _blame([], incident, first=True)


PEERS: dict[str, Callable[[Incident], Answer]] = {
    "earliest-deploy": earliest_deploy,
    "alert-service-deploy": latest_deploy,
    "always-none": always_none,
}


def _deploys(incident: Incident, near: timedelta) -> list[dict[str, str]]:
    fired = datetime.fromisoformat(incident.alert["fired_at"])
    service = incident.alert["service"]
    ages = [(fired - datetime.fromisoformat(row["timestamp"]), row) for row in incident.deploys]
    known = [(age, row) for age, row in ages if row["service"] == service and timedelta() <= age <= near]
    return [row for _, row in sorted(known, key=lambda pair: -pair[0])]


def _blame(deploys: list[dict[str, str]], incident: Incident, *, first: bool) -> Answer:
    service = str(incident.alert["service"])
    if not deploys:
        return ("none", service, "scale")
    return (deploys[0 if first else -1]["commit_sha"], service, "rollback")
