"""Changes to an incident that must not change the answer: other names, another order, deploys that do nothing.

Each takes the parsed files and returns others; an answer about a twisted incident is told in its names.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bench.rca.rootcausebench_files import Incident

INNOCENT_SECONDS = (30, 150, 600)
"""How long before the alert a deploy that does nothing is put on every service."""


def new_names(incident: Incident) -> dict[str, str]:
    """Other names for all services: numbers, in the order of the files."""
    return {name: f"unit-{number:03d}" for number, name in enumerate(incident.services)}


def renamed(incident: Incident) -> Incident:
    """Every service by another name, also where logs and spans mention it."""
    names = new_names(incident)
    pattern = re.compile(
        r"(?<![\w-])(?:" + "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) + r")(?![\w-])"
    )

    def told(value: Any) -> Any:
        if isinstance(value, str):
            return pattern.sub(lambda found: names[found[0]], value)
        return value

    def rows(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{key: told(value) for key, value in row.items()} for row in given]

    return replace(
        incident,
        alert=rows([incident.alert])[0],
        logs=rows(incident.logs),
        metrics=rows(incident.metrics),
        spans=rows(incident.spans),
        deploys=rows(incident.deploys),
        flags=rows(incident.flags),
    )


def reordered(incident: Incident) -> Incident:
    """Commits, deploys and flags in the opposite order."""
    return replace(incident, commits=incident.commits[::-1], deploys=incident.deploys[::-1], flags=incident.flags[::-1])


def with_innocent_deploys(incident: Incident) -> Incident:
    """On every service some more deploys, of commits that touch nothing but documentation."""
    fired = datetime.fromisoformat(incident.alert["fired_at"])
    commits, deploys = list(incident.commits), list(incident.deploys)
    for number, service in enumerate(incident.services):
        for seconds in INNOCENT_SECONDS:
            at = (fired - timedelta(seconds=seconds)).isoformat()
            sha = f"{number:08x}{seconds:08x}".ljust(40, "0")
            commits.append(
                {
                    "sha": sha,
                    "author": "somebody",
                    "timestamp": at,
                    "message": "docs: how to read the dashboard",
                    "files_changed": ["docs/dashboard.md"],
                    "diff": "@@ docs/dashboard.md @@\n-Open the page.\n+Open the page and wait.",
                }
            )
            deploys.append({"timestamp": at, "service": service, "commit_sha": sha, "version": f"docs-{seconds}"})
    return replace(incident, commits=commits, deploys=deploys)


def without_commit(incident: Incident, sha: str) -> Incident:
    """The same incident, had that commit never been written or deployed."""
    return replace(
        incident,
        commits=[row for row in incident.commits if row["sha"] != sha],
        deploys=[row for row in incident.deploys if row["commit_sha"] != sha],
    )
