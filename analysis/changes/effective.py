"""When and where a change took effect: a commit counts from the deploy that shipped it, not from its writing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from analysis.view import ChangeView

COMMIT, CONFIG, FLAG = "commit", "config", "flag"
SHIPPING = frozenset({"deploy", "image"})
"""Kinds of change that bring other code."""

SUSPECT_KINDS = frozenset({*SHIPPING, COMMIT, CONFIG, FLAG})
"""Kinds that can break something by themselves; starts, stops and restarts are what follows, or what helped."""


@dataclass(frozen=True, slots=True)
class Effective:
    """One change of one service, with the moment from which it was felt.

    Attributes:
        name: how people name it: commit, release or flag.
        release: that it was deployed as, empty when not known.
        title: first line of its message.
        text: its diff, empty when not known.
        paths: files that it touches.
        evidence: ids.
    """

    service: str
    kind: str
    at: datetime
    name: str
    release: str
    title: str
    text: str
    paths: tuple[str, ...]
    evidence: tuple[str, ...]

    @property
    def label(self) -> str:
        """The change in a few words for people."""
        if self.kind == FLAG:
            return f"flag {self.name} was set{f' to {self.release}' if self.release else ''}"
        if self.kind == CONFIG:
            return f"its configuration was changed ({self.name or 'unnamed'})"
        what = self.name if self.name == self.release or not self.release else f"{self.name} in release {self.release}"
        title = f" ({self.title})" if self.title else ""
        return f"{what or 'an unnamed release'}{title} was deployed"


def effective(views: Sequence[ChangeView]) -> tuple[Effective, ...]:
    """Every change that could break something, oldest first.

    A deploy that names a commit stands for that commit. A commit that no deploy names counts from the next deploy of
    its service, which contains it and is then told by its commits; from its own time where no deploy of the service is
    known, as with continuous delivery; and not at all when its service was deployed before, but not since.
    """
    commits = {view.change.reference: view for view in views if view.change.kind == COMMIT and view.change.reference}
    deploys = [view for view in views if view.change.kind in SHIPPING and _changes_something(view)]
    named = {id(commit) for view in deploys if (commit := _commit_of(view.change.reference, commits))}
    found: list[Effective] = []
    told: set[int] = set()
    for view in views:
        change = view.change
        if change.kind == COMMIT and id(view) not in named and change.service:
            shipped = _shipped_by(view, deploys)
            if shipped is not None:
                told.add(id(shipped))
                found.append(_effective(view, shipped.change.at, (view.evidence, shipped.evidence)))
            elif not any(deploy.change.service == change.service for deploy in deploys):
                found.append(_effective(view, change.at, (view.evidence,)))
        elif change.kind in SUSPECT_KINDS - SHIPPING - {COMMIT}:
            found.append(_effective(view, change.at, (view.evidence,)))
    for view in deploys:
        commit = _commit_of(view.change.reference, commits)
        if commit is not None or view.change.text or id(view) not in told:
            found.append(_deployed(view, commit))
    return tuple(sorted(found, key=lambda one: one.at))


def _changes_something(view: ChangeView) -> bool:
    """Whether a deploy brought another release than the one before."""
    return not (view.change.before and view.change.before == view.change.after)


def _commit_of(reference: str, commits: dict[str, ChangeView]) -> ChangeView | None:
    """The commit that a deploy names, in full or by its first characters (git's short form has at least 7)."""
    if reference in commits:
        return commits[reference]
    if len(reference) < 7:
        return None
    return next((view for name, view in commits.items() if name.startswith(reference)), None)


def _shipped_by(commit: ChangeView, deploys: Sequence[ChangeView]) -> ChangeView | None:
    """The first deploy of the commit's service that came after it."""
    later = [
        one for one in deploys if one.change.service == commit.change.service and one.change.at >= commit.change.at
    ]
    return min(later, key=lambda one: one.change.at, default=None)


def _deployed(deploy: ChangeView, commit: ChangeView | None) -> Effective:
    """A deploy, told by the commit that it names if that is known."""
    if commit is None:
        return _effective(deploy, deploy.change.at, (deploy.evidence,))
    as_deployed = _effective(commit, deploy.change.at, (deploy.evidence, commit.evidence))
    return replace(as_deployed, service=deploy.change.service, kind=deploy.change.kind, release=deploy.change.after)


def _effective(view: ChangeView, at: datetime, evidence: tuple[str, ...]) -> Effective:
    change = view.change
    return Effective(
        service=change.service,
        kind=change.kind,
        at=at,
        name=change.reference or change.after,
        release=change.after,
        title=change.detail,
        text=change.text,
        paths=change.paths,
        evidence=tuple(dict.fromkeys(evidence)),
    )
