"""What needs no engine: names of releases, options of a container, changes out of events, discovery."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.docker.changes import changes_of
from clients.docker.discovery import services_of
from clients.docker.images import release_of, with_release
from clients.docker.journal import EngineAction, EngineEvent, EngineJournal, ImageSeen
from clients.docker.recreate import same_options
from clients.docker.times import as_parameter, from_nanoseconds, parse_nanoseconds, to_nanoseconds
from core.models import ActionOutcome, Window

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
WINDOW = Window(start=NOON, end=NOON + timedelta(hours=1))
ID = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("reference", "labels", "release"),
    [
        ("payment:v1", {"org.opencontainers.image.version": "22.04"}, "v1"),
        ("host:5000/team/payment:v1@sha256:12", {}, "v1"),
        ("payment", {"org.opencontainers.image.version": "1.2"}, "1.2"),
        ("payment:latest", {"org.opencontainers.image.version": "1.2"}, "1.2"),
        ("payment:latest", {}, "latest"),
        ("host:5000/payment", {}, "0a0a0a0a0a0a"),
        (ID, {"quell.release": "v1"}, "v1"),
        (ID, {}, "0a0a0a0a0a0a"),
    ],
)
def test_release_of_an_image(reference: str, labels: dict[str, str], release: str) -> None:
    assert release_of(reference, ID, labels) == release


def test_another_release_of_the_same_repository() -> None:
    assert with_release("host:5000/team/payment:v1", "v2") == "host:5000/team/payment:v2"
    assert with_release(ID, "v2") == ""


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001 - naive bounds
def test_times_survive_the_way_to_the_engine_and_back(naive: datetime) -> None:
    at = naive.replace(tzinfo=UTC)
    nanoseconds = to_nanoseconds(at)
    assert from_nanoseconds(nanoseconds) == at
    seconds, _, fraction = as_parameter(nanoseconds).partition(".")
    assert int(seconds) * 10**9 + int(fraction) == nanoseconds
    text = at.strftime("%Y-%m-%dT%H:%M:%S") + f".{at.microsecond * 1000:09d}Z"
    assert parse_nanoseconds(text) == nanoseconds


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "", None, 3, "yesterday"])
def test_no_time_is_none(text: object) -> None:
    assert parse_nanoseconds(text) is None


def told(*steps: tuple[str, int], code: int | None = None) -> list[EngineEvent]:
    return [
        EngineEvent(
            subject="container/a",
            at=NOON + timedelta(seconds=second),
            nanoseconds=second,
            action=action,
            container_id="c",
            exit_code=code if action == "die" else None,
        )
        for action, second in steps
    ]


@pytest.mark.parametrize(
    ("steps", "kinds"),
    [
        ([("die", 1), ("stop", 2), ("start", 3), ("restart", 4)], ["restart"]),
        ([("die", 1), ("stop", 2)], ["stop"]),
        ([("die", 1), ("start", 2)], ["exit", "start"]),
        (
            [("die", 1), ("start", 2), ("die", 3), ("stop", 4), ("start", 5), ("restart", 6)],
            ["exit", "start", "restart"],
        ),
        ([("pause", 1), ("unpause", 2)], ["pause", "unpause"]),
    ],
)
def test_what_the_engine_tells_in_parts_counts_once(steps: list[tuple[str, int]], kinds: list[str]) -> None:
    assert [c.kind for c in changes_of("a", WINDOW, told(*steps, code=1), [], [])] == kinds


def test_what_quell_did_is_told_as_its_action_and_nothing_else() -> None:
    images = [
        ImageSeen(subject="container/a", at=NOON, image="a:v2", release="v2", container_id="1"),
        ImageSeen(subject="container/a", at=NOON + timedelta(seconds=5), image="a:v1", release="v1", container_id="2"),
        ImageSeen(subject="container/a", at=NOON + timedelta(seconds=60), image="a:v3", release="v3", container_id="3"),
    ]
    action = EngineAction(
        key="k",
        action="rollback",
        subject="container/a",
        begun_at=NOON + timedelta(seconds=4),
        ended_at=NOON + timedelta(seconds=8),
        before="v2",
        outcome=ActionOutcome(ok=True, detail="", before="v2", after="v1"),
    )
    events = told(("die", 5), ("stop", 6), ("start", 7), ("die", 30), code=-9)
    found = changes_of("a", WINDOW, events, images, [action])
    assert [(c.kind, c.actor, c.before, c.after) for c in found] == [
        ("rollback", "quell", "v2", "v1"),
        ("exit", "itself", "", ""),
        ("deploy", "", "v1", "v3"),
    ]
    left = action.model_copy(update={"sent": False})
    assert "rollback" not in [c.kind for c in changes_of("a", WINDOW, events, images, [left])]


def test_the_journal_outlives_a_restart_and_joins_what_is_one(tmp_path: Path) -> None:
    journal = EngineJournal(tmp_path / "docker.jsonl")
    seen = ImageSeen(subject="container/a", at=NOON, image="a:v1", release="v1", container_id="1")
    journal.add(seen, *told(("start", 7)))
    journal.add(seen.model_copy(update={"image_id": ID, "at": NOON + timedelta(milliseconds=3)}))
    journal.add(EngineAction(key="k", action="stop", subject="container/a", begun_at=NOON))
    with (tmp_path / "docker.jsonl").open("a") as file:
        file.write('\n{"event": {"subj')
    again = EngineJournal(tmp_path / "docker.jsonl")
    assert again.images("container/a") == [seen.model_copy(update={"image_id": ID})]
    assert again.newest_event == 7
    action = again.action("k")
    assert action is not None
    assert action.outcome is None


def test_defaults_of_the_image_are_taken_out_and_own_options_stay() -> None:
    defaults = {
        "Cmd": ["serve"],
        "Env": ["PATH=/bin", "MODE=image"],
        "Labels": {"base": "x"},
        "User": "app",
        "Volumes": {"/cache": {}},
    }
    container: dict[str, Any] = {
        "Id": "0123456789abcdef",
        "Config": {
            "Hostname": "0123456789ab",
            "Cmd": ["serve"],
            "User": "root",
            "Env": ["PATH=/bin", "MODE=image", "COLOUR=red"],
            "Labels": {"base": "x", "team": "checkout"},
            "Volumes": {"/cache": {}, "/own": {}},
        },
        "HostConfig": {"Binds": ["/etc/a:/etc/a:ro"], "NetworkMode": "shop"},
        "Mounts": [
            {"Type": "bind", "Source": "/etc/a", "Destination": "/etc/a"},
            {"Type": "volume", "Name": "f00d", "Destination": "/own", "RW": True},
            {"Type": "volume", "Name": "cafe", "Destination": "/cache", "RW": True},
        ],
        "NetworkSettings": {
            "Networks": {
                "shop": {"Aliases": ["payment", "0123456789ab"], "IPAddress": "10.0.0.2", "MacAddress": "02:42"},
                "back": {"IPAMConfig": {"IPv4Address": "10.1.0.9"}},
            }
        },
    }
    new = same_options(container, defaults, "a:v1", {"quell.action": "k"})
    assert "Cmd" not in new.body
    assert "Hostname" not in new.body
    assert new.body["User"] == "root"
    assert new.body["Env"] == ["COLOUR=red"]
    assert new.body["Labels"] == {"team": "checkout", "quell.action": "k"}
    assert new.body["HostConfig"]["Binds"] == ["/etc/a:/etc/a:ro", "f00d:/own", "cafe:/cache"]
    assert new.body["Volumes"] == {}
    assert new.body["NetworkingConfig"] == {"EndpointsConfig": {"shop": {"Aliases": ["payment"]}}}
    assert new.further == {"back": {"IPAMConfig": {"IPv4Address": "10.1.0.9"}}}


def compose(name: str, project: str, service: str, depends_on: str = "", **labels: str) -> dict[str, Any]:
    given = {
        "com.docker.compose.project": project,
        "com.docker.compose.service": service,
        "com.docker.compose.depends_on": depends_on,
        **labels,
    }
    return {"Id": name, "Names": [f"/{name}"], "Labels": given}


def test_compose_services_have_their_names_and_dependencies() -> None:
    rows = [
        compose("shop-web-1", "shop", "web", "pay:service_healthy:true,db:service_started:false"),
        compose("shop-pay-1", "shop", "pay", "db:service_started:true"),
        compose("shop-db-1", "shop", "db"),
        compose("blog-db-1", "blog", "db"),
        compose("shop-web-run-1", "shop", "web", **{"com.docker.compose.oneoff": "True"}),
        {"Id": "t", "Names": ["/x.1.abc"], "Labels": {"com.docker.swarm.service.name": "x"}},
    ]
    found = {each.name: each for each in services_of(rows, [])}
    assert set(found) == {"web", "pay", "shop-db-1", "blog-db-1"}
    assert found["web"].dependencies == ("pay", "shop-db-1")
    assert found["pay"].dependencies == ("shop-db-1",)
    assert found["pay"].identity.container == "shop-pay-1"
    assert found["pay"].provenance == ("compose shop/pay (container shop-pay-1)",)


def test_a_label_names_the_service() -> None:
    (found,) = services_of([compose("a-1", "p", "a", **{"quell.service": "payments"})], [])
    assert found.name == "payments"
