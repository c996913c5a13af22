"""Layers of the configuration, and mistakes told with their fix."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.configuration.layers import Layer, Origin, leaves, merge, origin_of
from app.configuration.problems import Problem
from app.operations.configuration import listing, schema, validate, write_example
from app.settings import PolicyFile, Settings
from core.errors import ConfigError, PolicyFileError, UsageError
from core.models import Autonomy, Service, Severity
from remediation.policy import default_policy
from tests.support import no_room


def write(text: str) -> Path:
    path = Path("quell.yaml")
    path.write_text(text, "utf-8")
    return path


def problems(text: str) -> list[Problem]:
    return list(Settings.examine(write(text)).problems)


def test_each_layer_goes_over_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    write("server: {port: 1, host: 127.0.0.2}\ndry_run: true\nautonomy: act\n")
    monkeypatch.setenv("QUELL_SERVER__PORT", "2")
    monkeypatch.setenv("QUELL_AUTONOMY", "observe")
    settings = Settings.load(None, {"server": {"port": 3}})
    assert (settings.server.port, settings.server.host) == (3, "127.0.0.2")
    assert (settings.autonomy, settings.dry_run, settings.worker.concurrency) == (Autonomy.OBSERVE, True, 4)


def test_names_that_users_already_have_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite+aiosqlite:////elsewhere/quell.db")
    assert Settings.load().store_url == "sqlite+aiosqlite:////elsewhere/quell.db"
    monkeypatch.setenv("QUELL_DATABASE_URL", "sqlite+aiosqlite:////nearer/quell.db")
    assert Settings.load().store_url == "sqlite+aiosqlite:////nearer/quell.db"


def test_lists_and_mappings_in_the_environment_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUELL_WATCH__SERVICES", '["a", "b"]')
    monkeypatch.setenv("QUELL_POLICY__FILE", "other.yaml")
    settings = Settings.load()
    assert settings.watch.services == ("a", "b")
    assert settings.policy == PolicyFile(file="other.yaml")
    monkeypatch.setenv("QUELL_SERVICES", "[broken")
    with pytest.raises(ConfigError, match="services"):
        Settings.load()


def test_the_file_is_the_one_given_or_named_or_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("server: {port: 1}")
    assert Settings.load().server.port == 1
    (tmp_path / "b.yaml").write_text("server: {port: 2}")
    monkeypatch.setenv("QUELL_CONFIG", str(tmp_path / "b.yaml"))
    assert Settings.load().server.port == 2
    (tmp_path / "c.yaml").write_text("server: {port: 3}")
    assert Settings.load(tmp_path / "c.yaml").server.port == 3


def test_relative_paths_are_meant_from_the_folder_of_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "quell.yaml").write_text("data_dir: data\npolicy: {file: policy.yaml}\n")
    (folder / "policy.yaml").write_text("max_attempts: 7\n")
    settings = Settings.load(folder / "quell.yaml")
    assert settings.data_path == folder / "data"
    assert settings.action_policy.max_attempts == 7


def test_the_policy_is_written_inline_or_in_a_file_or_the_default() -> None:
    assert Settings.load(write("policy: {max_attempts: 1}")).action_policy.max_attempts == 1
    assert Settings.load(write("policy: {file: ''}")).action_policy == default_policy()
    assert Settings.load(write("{}")).action_policy == default_policy()
    with pytest.raises(PolicyFileError, match=r"missing\.yaml"):
        _ = Settings.load(write("policy: {file: missing.yaml}")).action_policy


def test_autonomy_of_a_service_may_be_one_word() -> None:
    (a, b) = Settings.load(
        write("services: [{name: a, autonomy: act}, {name: b, autonomy: {by_severity: {critical: act}}}]")
    ).services
    assert type(a) is Service  # nothing that the checkpointer would not know
    assert a.autonomy_for(Severity.INFO, Autonomy.OBSERVE) is Autonomy.ACT
    assert b.autonomy_for(Severity.INFO, Autonomy.OBSERVE) is Autonomy.OBSERVE
    assert b.autonomy_for(Severity.CRITICAL, Autonomy.OBSERVE) is Autonomy.ACT


def test_secrets_are_read_from_files_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    path = write(
        "server: {token: 'file:token'}\nnotify: {webhooks: [{name: a, url: 'https://h/hook-s3cret'}]}\n"
        "database_url: sqlite+aiosqlite:///s3cret.db\n"
        "processes: [{name: p, argv: [x], environment: {API_KEY: s3cret}}]\n"
    )
    settings = Settings.load(path)
    assert settings.server.token is not None
    assert settings.server.token.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(settings.server) + repr(settings.notify) + repr(settings.database_url)
    assert "s3cret" not in listing(path).model_dump_json()


def test_a_secret_file_that_cannot_be_read_is_a_problem_with_its_key() -> None:
    (problem,) = problems("notify: {webhooks: [{name: a, url: 'file:/no/such/file'}]}")
    assert problem.path == "notify.webhooks[0].url"
    assert "/no/such/file" in problem.what
    assert problem.fix


@pytest.mark.parametrize(
    ("text", "path", "what", "fix"),
    [
        ("sever: {}", "sever", "unknown key", "did you mean 'server'?"),
        ("server: {prot: 1}", "server.prot", "unknown key", "did you mean 'port'?"),
        ("services: [{name: a}, {name: b, teir: 1}]", "services[1].teir", "unknown key", "did you mean 'tier'?"),
        ("server: {zzz: 1}", "server.zzz", "unknown key", "known here: allow_insecure_bind"),
        ("server: {port: abc}", "server.port", "not 'abc'", "0 takes a free port"),
        ("services: [{tier: 1}]", "services[0].name", "is missing", "add it"),
        ("services: [{name: a, tier: 9}]", "services[0].tier", "less than or equal to 4, not 9", "users notice"),
        ("autonomy: maybe", "autonomy", "'observe', 'propose' or 'act', not 'maybe'", "services"),
        ("policy: {max_atempts: 1}", "policy.max_atempts", "unknown key", "did you mean 'max_attempts'?"),
        (
            "scrape: {targets: [{url: nowhere}]}",
            "scrape.targets[0].url",
            "write the whole address",
            "address of the page",
        ),
        ("services: [{name: a, dependencies: b}]", "services[0].dependencies", "should be a list, not 'b'", "names of"),
        (
            "models: {frontier: {choice: gpt-4o}}",
            "models.frontier.choice",
            "keys with values below them",
            "which models",
        ),
    ],
)
def test_a_mistake_is_told_with_file_key_reason_and_fix(text: str, path: str, what: str, fix: str) -> None:
    (problem,) = problems(text)
    assert (problem.source, problem.path) == ("quell.yaml", path)
    assert what in problem.what
    assert fix in problem.fix


def test_the_value_of_a_wrong_secret_is_not_repeated() -> None:
    (problem,) = problems("notify: {slack: [{name: a, url: [hush-hush]}]}")
    assert problem.path == "notify.slack[0].url"
    assert "hush" not in str(problem) + problem.fix


def test_all_mistakes_are_told_at_once() -> None:
    text = "server: {prot: 1}\nautonomy: maybe\n"
    assert len(problems(text)) == 2
    with pytest.raises(ConfigError, match="1 more: quell config validate"):
        Settings.load(write(text))


def test_mistakes_in_the_environment_name_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUELL_SERVER__PROT", "1")
    monkeypatch.setenv("QUELL_SERVR__PORT", "1")
    unknown, nested = Settings.examine().problems
    assert (unknown.path, unknown.fix) == ("QUELL_SERVR__PORT", "did you mean QUELL_SERVER?")
    assert (nested.source, nested.path) == ("QUELL_SERVER__PROT", "server.prot")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", r"quell\.yaml:1:"),
        ("- a\n", "must hold names"),
        ("1: a", "must hold names"),
        ("dry_run: true\ndry_run: false\n", r"quell\.yaml:2:1: key 'dry_run' is there twice"),
        ("server: {<<: 1}", r"quell\.yaml:1:"),
        ("? [a]\n: 1\n", r"quell\.yaml:1:"),
    ],
)
def test_what_is_not_yaml_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Settings.load(write(text))


def test_a_file_that_is_not_there_or_not_readable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        Settings.load(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        Settings.load(tmp_path)
    (tmp_path / "latin").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        Settings.load(tmp_path / "latin")


def test_the_example_validates_and_its_values_are_the_defaults() -> None:
    path = Path("quell.yaml")
    write_example(path, replace=False)
    assert validate(path).ok
    assert Settings.load(path).model_dump() == Settings().model_dump()
    with pytest.raises(UsageError, match="is there already"):
        write_example(path, replace=False)


def test_a_full_disk_leaves_the_configuration_as_it_was() -> None:
    path = write("demo: true\n")
    with no_room(), pytest.raises(UsageError, match="cannot be written: File too large"):
        write_example(path, replace=True)
    assert path.read_text() == "demo: true\n"
    assert list(path.parent.glob("*.new")) == []


def test_what_the_example_shows_in_comments_validates_too() -> None:
    path = Path("quell.yaml")
    write_example(path, replace=False)
    Path("hook").write_text("https://example.org/hook")
    text = re.sub(r"/run/secrets/[\w-]+", "hook", uncommented(path.read_text()))
    assert problems(text) == []
    settings = Settings.load(write(text))
    assert settings.processes[0].release == "1.4"
    assert settings.notify.webhooks[0].url.get_secret_value() == "https://example.org/hook"


def uncommented(text: str) -> str:
    """The example with each list that is shown in a comment in the place of the empty one above it."""
    lines: list[str] = []
    for line in text.splitlines():
        shown = re.fullmatch(r"( *)# ((?:services|processes|targets|files|webhooks|slack):| +- .*| {4,}\S.*)", line)
        if shown is None:
            lines.append(line)
            continue
        opened = shown[1] + shown[2]
        if f"{opened} []" in lines:
            lines.remove(f"{opened} []")
        lines.append(opened)
    return "\n".join(lines)


def test_the_listing_says_where_each_value_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("server: {port: 1}\nservices: [{name: a}]\n")
    monkeypatch.setenv("QUELL_SERVER__HOST", "127.0.0.1")
    found = listing(path)
    origins = {each.key: each.origin for each in found.values}
    assert found.file == "quell.yaml"
    assert (origins["server.port"], origins["server.host"], origins["dry_run"]) == ("file", "env", "default")
    assert origins["services"] == "file"
    assert all(json.loads(each.value) is not Ellipsis for each in found.values)


def test_the_schema_accepts_what_the_settings_accept() -> None:
    import jsonschema

    jsonschema.validate({"services": [{"name": "a", "autonomy": "act"}], "policy": {"file": "x"}}, schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"sever": {}}, schema())


NESTED = st.recursive(
    st.dictionaries(st.sampled_from("abc"), st.integers(), max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner | st.integers(), max_size=3),
    max_leaves=6,
)


@given(st.lists(NESTED, max_size=4))
def test_every_merged_value_stands_in_the_layer_that_is_named_as_its_origin(values: list[dict[str, Any]]) -> None:
    layers = [Layer(Origin.FILE, str(index), each) for index, each in enumerate(values)]
    for path, value in leaves(merge(layers)):
        layer = origin_of(layers, path)
        if value == {}:
            continue
        assert layer is not None
        found: Any = layer.values
        for part in path:
            found = found[part]
        assert found == value
