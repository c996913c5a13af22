"""Severity and category of templates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.logs.categories import categorise
from analysis.logs.severity import of_level, of_message, of_words
from core.models import Severity
from core.models.logs import LogCategory


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        ("info", Severity.INFO),
        ("WARNING ", Severity.WARNING),
        ("Fatal", Severity.CRITICAL),
        ("3", Severity.CRITICAL),
        ("4", Severity.WARNING),
        ("6", Severity.INFO),
        ("30", Severity.INFO),
        ("40", Severity.WARNING),
        ("50", Severity.CRITICAL),
        ("", None),
        ("²", None),
        ("audit", None),
    ],
)
def test_levels_are_names_or_numbers(level: str, severity: Severity | None) -> None:
    assert of_level(level) is severity


@pytest.mark.parametrize(
    ("template", "severity"),
    [
        ("Traceback (most recent call last):", Severity.CRITICAL),
        ("retrying in <*>", Severity.WARNING),
        ("order <*> served", Severity.INFO),
        ("<*> <*> INFO [main] failed over to <*>", Severity.INFO),
        ("<*> ERROR all is well", Severity.CRITICAL),
        ("[WARN] x", Severity.WARNING),
        ("error: nothing", Severity.CRITICAL),
        ("<*> [notice] workerEnv in error state <*>", Severity.INFO),
        ("java.net.ConnectException at a.B.c < d.E.f", Severity.CRITICAL),
        ("terror of informants", Severity.INFO),
    ],
)
def test_a_stated_level_wins_over_words(template: str, severity: Severity) -> None:
    assert of_words(template) is severity


@pytest.mark.parametrize(
    ("template", "severity"),
    [
        ("[error] user <*>: authentication failure: Password Mismatch", Severity.WARNING),
        ('<*> "GET <*> HTTP/1.1" 404 <*>', Severity.WARNING),
        ("FATAL: the session has expired", Severity.WARNING),
        ('<*> "GET <*> HTTP/1.1" 503 <*>', Severity.CRITICAL),
        ("INFO: link eth0 is down", Severity.CRITICAL),
        ("container <*> exited with code <*>", Severity.CRITICAL),
        ("WARN could not reach <*>, another is asked", Severity.WARNING),
        ("took 503 ms for 404 rows", Severity.INFO),
        ("connection refused", Severity.CRITICAL),
        ("retrying in <*>", Severity.WARNING),
    ],
)
def test_what_went_wrong_counts_more_than_the_level(template: str, severity: Severity) -> None:
    assert of_message(template) is severity


@pytest.mark.parametrize(
    ("template", "category"),
    [
        ("connect to <*> failed: connection refused", LogCategory.NETWORK),
        ("java.lang.OutOfMemoryError at a.B.c", LogCategory.RESOURCE),
        ("write <*>: no space left on device", LogCategory.STORAGE),
        ("Failed password for <*> from <*> port <*> ssh2", LogCategory.SECURITY),
        ("upstream request timeout after <*>", LogCategory.TIMEOUT),
        ("panic: runtime error", LogCategory.CRASH),
        ("cannot parse line <*>", LogCategory.DATA),
        ("setting max_pool of config to <*>", LogCategory.CONFIGURATION),
        ("machine check interrupt", LogCategory.HARDWARE),
        ("service started in <*>", LogCategory.LIFECYCLE),
        ("job <*> finished", LogCategory.JOB),
        ("GET <*> <*>", LogCategory.REQUEST),
        ("Hello", LogCategory.OTHER),
    ],
)
def test_a_category_by_words(template: str, category: LogCategory) -> None:
    assert categorise(template) is category


@given(text=st.text(max_size=2000))
def test_any_text_has_a_severity_and_a_category(text: str) -> None:
    assert {of_words(text), of_message(text)} <= set(Severity)
    assert categorise(text) in LogCategory
