"""What a diff does is told from its text alone, whatever the language, and never fails on text that is no diff."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.changes.diffs import MAX_LINES, read_diff
from analysis.changes.effects import MAX_PAIRED, WEIGHT, Effect, edits
from analysis.changes.paths import configuration, dependencies, harmless
from analysis.changes.words import concepts, identifiers, singular, without_names, words
from tests.analysis.changes import diffs

TEXT = st.text(alphabet=st.sampled_from("ab-+ @\n\"'(){}=:;0123456789/._#if"), max_size=400)


def effects(text: str) -> set[Effect]:
    return {edit.effect for edit in edits(read_diff(text))}


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        (diffs.POOL, Effect.SETTING),
        (diffs.CONFIG, Effect.SETTING),
        (diffs.LIMIT, Effect.LIMIT_REMOVED),
        (diffs.GUARD, Effect.CHECK_REMOVED),
        (diffs.CALL, Effect.CALL_REMOVED),
        (diffs.QUERY, Effect.WORK_ADDED),
        (diffs.RENAMED, Effect.NAME),
        (diffs.REFACTORED, Effect.REFACTORED),
        (diffs.HELPER, Effect.REFACTORED),
        (diffs.LOGGED, Effect.COSMETIC),
        (diffs.TYPO, Effect.COSMETIC),
        (diffs.RELEASE, Effect.COSMETIC),
        (diffs.STYLE, Effect.COSMETIC),
        (diffs.CHECKED, Effect.CHECK_ADDED),
        (diffs.PATCH, Effect.LIBRARY_PATCH),
        (diffs.MAJOR, Effect.LIBRARY),
    ],
)
def test_each_kind_of_edit_is_told(text: str, effect: Effect) -> None:
    assert effects(text) == {effect}


@pytest.mark.parametrize("text", ["", "no diff at all", "@@ x @@\n context only", "-", "+"])
def test_what_changes_nothing_has_no_harmful_edit(text: str) -> None:
    assert effects(text) <= {Effect.COSMETIC}


def test_comments_and_imports_are_no_code() -> None:
    text = "@@ a.py @@\n-# limit is 5\n+# limit is 9\n-import json\n+import orjson\n"
    assert effects(text) == {Effect.COSMETIC}


def test_a_call_that_only_moved_is_not_removed() -> None:
    text = "@@ a.ts @@\n-  seed(registry);\n@@ b.ts @@\n+  seed(registry);\n"
    assert Effect.CALL_REMOVED not in effects(text)


def test_the_files_of_hunks_are_known() -> None:
    assert [hunk.path for hunk in read_diff(diffs.LIMIT)] == ["search/query.py"]
    assert [hunk.path for hunk in read_diff(diffs.POOL)] == ["services/stock/db.go"]


def test_only_so_many_lines_are_read() -> None:
    text = "@@ a.py @@\n" + "+x = call()\n" * (2 * MAX_LINES)
    assert sum(len(hunk.added) for hunk in read_diff(text)) < MAX_LINES


def test_a_large_hunk_costs_no_more_than_its_lines() -> None:
    text = "@@ a.py @@\n" + "".join(f"-x{n} = call({n})\n+x{n} = call({n + 1})\n" for n in range(MAX_LINES // 2))
    compared = sum(1 for _ in read_diff(text)[0].removed)
    assert compared > MAX_PAIRED
    assert effects(text) == {Effect.SETTING}


@given(TEXT)
def test_any_text_is_read_and_the_order_of_hunks_does_not_matter(text: str) -> None:
    hunks = read_diff(text)
    found = sorted(edit.effect for edit in edits(hunks))
    assert found == sorted(edit.effect for edit in edits(hunks[::-1]))
    assert all(effect in WEIGHT for effect in found)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("docs/api.md", harmless),
        ("pkg/cart/cart_test.go", harmless),
        ("web/Settings.css", harmless),
        ("CODEOWNERS", harmless),
        (".github/workflows/build.yml", harmless),
        ("deploy/staging/tls.yaml", harmless),
        ("services/agent/config/agent.yaml", configuration),
        ("charts/shop/values.yaml", configuration),
        ("go.mod", dependencies),
        ("package-lock.json", dependencies),
    ],
)
def test_files_are_told_by_their_path(path: str, kind: object) -> None:
    assert [each for each in (harmless, configuration, dependencies) if each([path])] == [kind]


@pytest.mark.parametrize("path", ["services/shop/main.go", "src/contest/rank.py", "lib/latest.js"])
def test_code_is_neither_harmless_nor_configuration(path: str) -> None:
    assert not harmless([path])
    assert not configuration([path])


def test_one_harmful_file_is_enough() -> None:
    assert not harmless(["docs/api.md", "main.go"])
    assert configuration(["docs/api.md", "config/a.yaml"])
    assert not harmless([])


def test_identifiers_are_split_into_words() -> None:
    assert {"dashboard", "favorite"} <= words("SELECT x FROM dashboard_favorites")
    assert "dashboard_favorites" in identifiers("FROM dashboard_favorites")
    assert {"http", "deadline"} & words("HTTPDeadlineExceeded") == {"deadline"}
    assert concepts(words("WithTimeout")) & concepts(words("deadline exceeded"))
    assert (singular("queries"), singular("status"), singular("class")) == ("query", "status", "class")


def test_names_of_services_are_no_words() -> None:
    assert words(without_names("upstream shop-api is slow", ["shop-api", "shop"])) == words("upstream is slow")
    assert words(without_names("shop-apis", ["shop-api"])) == words("shop-apis")
