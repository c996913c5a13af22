"""Labelled templates: the file is whole, systems are not split, and the figures say what they claim."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.logs.classification import accuracy, judge, keyword_peer, macro_f1, measure
from bench.logs.labelled import HELD_OUT, TUNE, load_labelled
from core.models import LogCategory, Severity


def test_three_hundred_templates_of_many_systems_split_as_wholes() -> None:
    labelled = load_labelled()
    assert len(labelled) >= 300
    assert len({(one.system, one.template) for one in labelled}) == len(labelled)
    splits = {one.system: {other.split for other in labelled if other.system == one.system} for one in labelled}
    assert len(splits) >= 8
    assert all(len(found) == 1 and found <= {TUNE, HELD_OUT} for found in splits.values())
    assert {one.severity for one in labelled} == set(Severity)
    assert {one.category for one in labelled} == set(LogCategory) - {LogCategory.OTHER}
    assert min(Counter(one.split for one in labelled).values()) > 100


def test_the_figures_are_of_held_out_systems_and_beat_a_search_for_words() -> None:
    figures, (peer,), cases = measure(with_cases=True, with_peers=True)
    values = {one.id: one.value or 0.0 for one in figures}
    theirs = {one.id: one.value or 0.0 for one in peer.figures}
    labelled = load_labelled()
    held_out = [one for one in labelled if one.split == HELD_OUT]
    said = judge(held_out)
    expected = sum(label.category is found.category for label, found in said) / len(held_out)
    assert values["logs.category_accuracy"] == pytest.approx(expected, abs=1e-3)
    assert all(values[name] > value for name, value in theirs.items())
    assert set(theirs) <= set(values)
    assert len(cases) == len(labelled)
    assert all(case.expected and case.answer for case in cases)


def test_accuracy_and_macro_f1_by_hand() -> None:
    pairs = [("a", "a"), ("a", "a"), ("a", "b"), ("b", "b"), ("c", "a")]
    assert accuracy(pairs) == 0.6
    assert macro_f1(pairs) == pytest.approx((2 * 2 / 6 + 2 / 3 + 0) / 3)
    assert (accuracy([]), macro_f1([])) == (0.0, 0.0)


def test_the_peer_only_looks_for_words() -> None:
    words = {
        label.template: (said.severity, said.category)
        for label, said in keyword_peer([one for one in load_labelled() if one.system == "Linux"])
    }
    assert words["<*>: Link is Down"] == (Severity.INFO, LogCategory.OTHER)
