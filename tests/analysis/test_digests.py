"""Digests stay within their bound whatever comes in, and say what they left out."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.digests import bound, series_digest, sparkline, template_digests
from analysis.rounding import instant, probability, significant
from analysis.view import LogFrame, SignalFrame
from core.frames import LogLine
from core.models import Digest, Fact, SeriesDigest, Severity, Signal, TemplateDigest
from tests.analysis.shop import BASELINE, CONFIG, END, WINDOW, Shop


def test_a_series_in_a_line() -> None:
    shop = Shop(fault_seconds=4)
    shop.values["orders", Signal.ERRORS] = np.where(shop.faulty, 0.5, 0.0)
    frame = next(one for one in shop.view().signals if (one.service, one.signal) == ("orders", Signal.ERRORS))
    digest = series_digest(frame, WINDOW, BASELINE, CONFIG)
    assert digest == SeriesDigest(
        subject="orders",
        metric="errors_metric",
        unit="ratio",
        current=0.5,
        baseline=0.0,
        deviation=25.0,
        onset=END - timedelta(seconds=4),
        samples=15,
        sparkline="▁" * 19 + "▄" + "█" * 4,
    )


def test_a_series_without_samples_says_so() -> None:
    nothing = SignalFrame("cart", Signal.CPU, "cpu", "cores", np.arange(3.0), np.full(3, np.nan), "ev")
    digest = series_digest(nothing, WINDOW, BASELINE, CONFIG)
    assert (digest.current, digest.baseline, digest.samples, digest.sparkline) == (None, None, 0, "")


def test_gaps_show_in_a_sparkline() -> None:
    frame = SignalFrame("cart", Signal.CPU, "cpu", "", np.array([0.0, 23.0]), np.array([1.0, 2.0]), "ev")
    assert sparkline(frame, 0.0, 24.0) == "▁" + "·" * 22 + "█"


def test_templates_carry_counts_rates_and_an_example() -> None:
    lines = tuple(
        LogLine(at=END - timedelta(seconds=1), service="cart", text=f"failed {n}", severity=Severity.CRITICAL)
        for n in range(7)
    )
    (digest,) = template_digests(LogFrame("cart", lines, "ev"), WINDOW, BASELINE, CONFIG)
    assert (digest.template, digest.count, digest.rate_now, digest.example) == ("failed <*>", 7, 1.0, "failed 0")


ROWS = st.builds(
    Digest,
    summary=st.text(max_size=400),
    series=st.lists(st.builds(SeriesDigest, subject=st.text(max_size=9), metric=st.text(max_size=900))).map(tuple),
    templates=st.lists(
        st.builds(TemplateDigest, subject=st.just("cart"), template=st.text(max_size=900), count=st.integers(0, 10**9))
    ).map(tuple),
    facts=st.lists(st.builds(Fact, subject=st.just("cart"), name=st.just("state"), value=st.text(max_size=900))).map(
        tuple
    ),
)


@given(digest=ROWS, limit=st.integers(300, 2000))
def test_a_digest_stays_within_its_bound_and_counts_what_it_left_out(digest: Digest, limit: int) -> None:
    bounded = bound(digest, limit)
    summary_only = bound(Digest(summary=digest.summary), limit).tokens
    assert bounded.tokens <= max(limit, summary_only)
    rows = sum(len(part) for part in (digest.series, digest.templates, digest.facts))
    kept = sum(len(part) for part in (bounded.series, bounded.templates, bounded.facts))
    assert kept + bounded.omitted == rows
    assert bound(bounded, limit).model_copy(update={"omitted": bounded.omitted}) == bounded


def test_ten_million_lines_and_ten_cost_the_same_tokens() -> None:
    rows = tuple(Fact(subject="cart", name=f"fact {n}", value="x" * 1000) for n in range(2000))
    bounded = bound(Digest(summary="many", facts=rows), CONFIG.max_digest_tokens)
    assert 0 < len(bounded.facts) < 20
    assert bounded.omitted == 2000 - len(bounded.facts)
    assert all(len(fact.value) <= 240 for fact in bounded.facts)


@given(value=st.floats(allow_nan=False, allow_infinity=False), error=st.floats(-1e-12, 1e-12))
def test_the_last_bits_of_a_number_never_reach_a_record(value: float, error: float) -> None:
    assert significant(significant(value)) == significant(value)
    assert math.copysign(1, significant(0.0 * value)) == 1
    assert significant(123456.0 * (1 + error)) == 123500.0


@pytest.mark.parametrize(("value", "rounded"), [(-0.1, 0.0), (0.12345, 0.123), (1.2, 1.0)])
def test_a_probability_stays_one(value: float, rounded: float) -> None:
    assert probability(value) == rounded


def test_a_time_is_kept_to_the_millisecond() -> None:
    assert instant(END.timestamp() + 0.0004) == END
