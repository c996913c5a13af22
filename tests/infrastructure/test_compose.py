"""The Compose file: the tool accepts it; pins, loopback, least privilege and names that agree are checked here."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
import yaml

from clients.docker.calls import READS, WRITES, EngineCall
from drills.shop.roles import Role
from drills.shop.service import parse
from drills.shop.topology import SHOP
from tests.infrastructure.stack import COMPOSE_FILE, ROOT, inventory, load, services, settings, targets
from tests.servers.process import binary

LOOPBACK_PORTS = {"prometheus": "9090", "grafana": "3000", "loki": "3100", "alertmanager": "9093"}
SOCKET_HOLDERS = {"engine-reader", "engine-actor"}
WITHOUT_CHECK = {"otel-collector"}
"""Images without any program that could check; Prometheus scrapes them instead."""

every_service = pytest.mark.parametrize("name", services())


def sources(name: str) -> list[str]:
    """Host paths and volumes that a service mounts."""
    return [each.split(":")[0] for each in services()[name].get("volumes", [])]


def shop() -> dict[str, dict[str, Any]]:
    return {name: each for name, each in services().items() if name in set(Role)}


def test_docker_compose_accepts_it() -> None:
    """Version 1.29 of Debian, which knows the Compose specification; version 2 reads the same file."""
    command = [binary("docker-compose", package="docker-compose"), "--file", str(COMPOSE_FILE), "config"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(yaml.safe_load(done.stdout)["services"]) == set(services())


def test_all_parts_are_there() -> None:
    wanted = {"prometheus", "alertmanager", "node-exporter", "cadvisor", "loki", "vector", "grafana", "ollama"}
    assert {*wanted, "postgres", "redis", "quell", "otel-collector", *Role} <= set(services())


@every_service
def test_an_image_is_pinned_to_a_whole_version(name: str) -> None:
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+(\.\d+)?(-[\w.]+)?", services()[name]["image"])


@every_service
def test_a_port_is_on_loopback_only(name: str) -> None:
    published = services()[name].get("ports", [])
    assert all(port.startswith("127.0.0.1:") for port in published)
    if name in LOOPBACK_PORTS:
        assert published == [f"127.0.0.1:{LOOPBACK_PORTS[name]}:{LOOPBACK_PORTS[name]}"]
    assert "network_mode" not in services()[name]


@every_service
def test_least_privilege(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "userns_mode", "ipc"} & set(service)
    assert {"mem_limit", "cpus", "pids_limit"} <= set(service)
    assert ("pid" in service) == (name == "node-exporter")


@every_service
def test_only_the_two_proxies_hold_the_engines_socket(name: str) -> None:
    """Mounting one of its parents would hand it out just as well; the node exporter reads the host as nobody."""
    reachable = [path for path in sources(name) if "/var/run/docker.sock".startswith(path.rstrip("/"))]
    reachable += [path for path in sources(name) if path.startswith("/run")]
    expected = {"/var/run/docker.sock"} if name in SOCKET_HOLDERS else {"/"} if name == "node-exporter" else set()
    assert set(reachable) == expected


@every_service
def test_health_is_checked_inside_or_by_a_scrape(name: str) -> None:
    check = services()[name]["healthcheck"]
    if name in WITHOUT_CHECK:
        assert check == {"disable": True}
        assert name in targets().values()
    else:
        assert check["test"][0] in ("CMD", "CMD-SHELL")
        assert {"interval", "timeout", "retries", "start_period"} <= set(check)


@every_service
def test_what_a_service_refers_to_exists(name: str) -> None:
    service, file = services()[name], load("compose/compose.yaml")
    assert set(service["networks"]) <= set(file["networks"])
    assert set(service.get("secrets", [])) <= set(file["secrets"])
    needed = service.get("depends_on", {})
    assert set(needed) <= set(services())
    waits = (
        [each for each, how in needed.items() if how["condition"] == "service_healthy"]
        if isinstance(needed, dict)
        else []
    )
    assert not WITHOUT_CHECK & set(waits)
    for source in sources(name):
        if source.startswith("."):
            assert (COMPOSE_FILE.parent / source).exists(), source
        elif not source.startswith("/"):
            assert source in file["volumes"]


@every_service
def test_secrets_come_as_files(name: str) -> None:
    environment = services()[name].get("environment", {})
    for variable, value in environment.items():
        if re.search("PASSWORD|TOKEN|SECRET|KEY", variable):
            assert value.startswith("/run/secrets/"), variable
    text = " ".join([*map(str, environment.values()), *map(str, services()[name].get("command", []))])
    used = set(re.findall(r"/run/secrets/(\w+)", text + str(services()[name]["healthcheck"].get("test"))))
    assert used <= set(services()[name].get("secrets", []))


def test_every_service_is_in_the_inventory_under_its_own_name() -> None:
    known = inventory()
    for name in services():
        assert known.resolve({"service": name}).service == name
        assert known.resolve({"service": name, "container": services()[name].get("container_name", "")}).service == name


def test_only_the_shop_may_be_acted_on() -> None:
    for service in settings().services:
        if service.name in shop():
            assert service.identity.container == services()[service.name]["container_name"]
            assert not service.protected
        else:
            assert service.protected
            assert service.autonomy.default == "observe"


@pytest.mark.parametrize("role", Role)
def test_the_shop_is_the_one_of_the_drills(role: Role) -> None:
    service = shop()[role]
    given, _ = parse([*service["entrypoint"][4:], *service["command"]])
    placement = SHOP[role]
    assert (given.name, given.role, given.workers, given.timeout_seconds) == (
        role, role, placement.workers, placement.timeout_seconds,
    )  # fmt: skip
    assert set(given.dependencies) == set(placement.calls)
    assert given.dependencies == {callee: f"http://{callee}:{given.port}" for callee in placement.calls}
    known = inventory().get(role)
    assert known is not None
    assert (set(known.dependencies), known.tier, known.kind) == (set(placement.calls), placement.tier, placement.kind)


def test_a_target_of_prometheus_is_a_service_that_it_shares_a_network_with() -> None:
    here = set(services()["prometheus"]["networks"])
    for address in targets():
        host = address.split(":")[0]
        assert host == "localhost" or here & set(services()[host]["networks"]), address


def test_every_address_that_quell_is_given_is_on_one_of_its_networks() -> None:
    quell = services()["quell"]
    given = {name: value for name, value in quell["environment"].items() if "://" in value}
    assert given
    for name, value in given.items():
        host = value.split("://")[1].split(":")[0]
        assert set(services()[host]["networks"]) & set(quell["networks"]), name


def test_the_quell_image_is_built_here_and_never_pulled_by_the_shop() -> None:
    quell = services()["quell"]
    assert (COMPOSE_FILE.parent / quell["build"]["context"]).resolve() == ROOT
    assert (ROOT / quell["build"]["dockerfile"]).is_file()
    assert {(each["image"], each["pull_policy"]) for each in shop().values()} == {(quell["image"], "never")}


def allowed(proxy: str, method: str, path: str) -> bool:
    """Whether a proxy lets a call through: whole-match regular expressions by method."""
    patterns = [each.split("=", 1)[1] for each in services()[proxy]["command"] if each.startswith(f"-allow{method}=")]
    return any(re.fullmatch(pattern, path) for pattern in patterns)


def sample(call: EngineCall) -> str:
    return "/v1.41" + call.path.replace("{name}", "0a1b2c").replace("{image}", "registry.local:5000/shop/cart:1.1.0")


@pytest.mark.parametrize("call", READS, ids=lambda call: call.path)
def test_quell_may_read_all_that_it_asks_the_engine(call: EngineCall) -> None:
    assert allowed("engine-actor", call.method, sample(call))


@pytest.mark.parametrize("call", WRITES, ids=lambda call: f"{call.method} {call.path}")
def test_quell_may_restart_start_and_stop_and_nothing_else(call: EngineCall) -> None:
    harmless = call.path.endswith(("/restart", "/start", "/stop"))
    assert allowed("engine-actor", call.method, sample(call)) is harmless
    assert not allowed("engine-reader", call.method, sample(call))


@pytest.mark.parametrize(
    "path",
    ["/v1.41/containers/a/exec", "/v1.41/containers/a/start/../../create", "/v1.41/exec/a/start", "/v1.41/build",
     "/v1.41/containers/a/archive", "/v1.41/secrets", "/v1.41/volumes", "/v1.41/swarm"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("proxy", sorted(SOCKET_HOLDERS))
def test_a_proxy_lets_nothing_else_through(proxy: str, method: str, path: str) -> None:
    assert not allowed(proxy, method, path)


def test_each_proxy_is_alone_with_its_callers() -> None:
    networks = load("compose/compose.yaml")["networks"]
    for proxy in SOCKET_HOLDERS:
        [callers] = [each.split("=")[1] for each in services()[proxy]["command"] if each.startswith("-allowfrom=")]
        [network] = services()[proxy]["networks"]
        assert networks[network] == {"internal": True}
        assert {name for name, each in services().items() if network in each["networks"]} == {
            proxy,
            *callers.split(","),
        }
