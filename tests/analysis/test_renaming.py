"""Names never decide: renaming services permutes the result and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.anomalies import detect
from analysis.causes.ranking import rank
from analysis.view import SystemView
from core.models import Diagnosis
from tests.analysis.shop import CONFIG, DEPENDENCIES, FAULTS, Shop

NAMES = st.lists(
    st.from_regex(r"[a-z]{6,12}zz", fullmatch=True), min_size=len(DEPENDENCIES), max_size=len(DEPENDENCIES), unique=True
)
SCENES = ("healthy", "kill", "suspend", "burn", "bad_release", "two")


def scene(name: str, seed: int) -> Shop:
    """The shop with one fault, none, or two."""
    shop = Shop(seed)
    for fault, (service, _) in FAULTS.items():
        if fault == name or (name == "two" and fault in ("kill", "suspend")):
            getattr(shop, fault)(service)
    return shop


def rename(text: str, names: dict[str, str]) -> str:
    return re.sub(r"\b(" + "|".join(names) + r")\b", lambda found: names[found.group()], text)


def renamed(view: SystemView, names: dict[str, str]) -> SystemView:
    """The same system under other names, evidence ids included."""

    def cite(evidence: str) -> str:
        return rename(evidence, names)

    return replace(
        view,
        symptom=names[view.symptom],
        signals=tuple(replace(one, service=names[one.service], evidence=cite(one.evidence)) for one in view.signals),
        logs=tuple(replace(one, service=names[one.service], evidence=cite(one.evidence)) for one in view.logs),
        states=tuple(
            replace(
                one,
                state=one.state.model_copy(update={"service": names[one.state.service]}),
                evidence=cite(one.evidence),
            )
            for one in view.states
        ),
        changes=tuple(
            replace(
                one,
                change=one.change.model_copy(update={"service": names[one.change.service]}),
                evidence=cite(one.evidence),
            )
            for one in view.changes
        ),
        dependencies={
            names[name]: tuple(names[each] for each in callees) for name, callees in view.dependencies.items()
        },
    )


def by_name(view: SystemView) -> SystemView:
    """The same system with everything sorted by name, as an inventory would list it."""
    return replace(
        view,
        signals=tuple(sorted(view.signals, key=lambda one: (one.service, one.signal))),
        logs=tuple(sorted(view.logs, key=lambda one: one.service)),
        states=tuple(sorted(view.states, key=lambda one: one.state.service)),
        changes=tuple(sorted(view.changes, key=lambda one: one.change.service)),
        dependencies={name: tuple(sorted(view.dependencies[name])) for name in sorted(view.dependencies)},
    )


def diagnose(view: SystemView) -> Diagnosis:
    return rank(view, detect(view, CONFIG), CONFIG)


@given(new=NAMES, name=st.sampled_from(SCENES), seed=st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_renaming_renames_the_result_and_nothing_else(new: list[str], name: str, seed: int) -> None:
    names = dict(zip(DEPENDENCIES, new, strict=True))
    view = scene(name, seed).view()
    expected = rename(diagnose(view).model_dump_json(), names)
    assert diagnose(renamed(view, names)).model_dump_json() == expected


@given(new=NAMES, name=st.sampled_from(SCENES), seed=st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_the_order_that_new_names_bring_does_not_change_the_ranking(new: list[str], name: str, seed: int) -> None:
    names = dict(zip(DEPENDENCIES, new, strict=True))
    view = scene(name, seed).view()
    before, after = diagnose(view), diagnose(by_name(renamed(view, names)))

    def ranking(diagnosis: Diagnosis, via: dict[str, str]) -> list[tuple[str, str, float, frozenset[str]]]:
        return [
            (
                via.get(one.service, one.service),
                one.kind,
                one.probability,
                frozenset(rename(each, via) for each in one.evidence_for),
            )
            for one in diagnosis.hypotheses
        ]

    assert ranking(before, names) == ranking(after, {name: name for name in new})
    assert {names[one.service] for one in before.ruled_out} == {one.service for one in after.ruled_out}


@given(seed=st.integers(0, 1000), name=st.sampled_from(SCENES))
@settings(max_examples=10, deadline=None)
def test_the_same_view_gives_the_same_bytes(seed: int, name: str) -> None:
    assert diagnose(scene(name, seed).view()).model_dump_json() == diagnose(scene(name, seed).view()).model_dump_json()
