"""The shop: six plain services that work together and say what they do."""

from __future__ import annotations

import threading

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from drills.shop.handlers import ROUTES
from drills.shop.handlers.cache import Entries
from drills.shop.handlers.catalogue import page_count
from drills.shop.roles import Role, ServiceConfig
from drills.shop.service import parse
from drills.shop.tracing import TraceContext
from drills.shop.web import Reply, Request, Route

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


def samples(url: str, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    """Samples of one name on a `/metrics` page, by their labels."""
    page = httpx.get(f"{url}/metrics").text
    return {
        tuple(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == name
    }


def test_a_checkout_passes_through_five_services_in_one_trace(local_shop):
    gateway = local_shop.start_all()
    httpx.post(f"{gateway}/cart/u1", json={"product": "p01", "price_cents": 510})
    reply = httpx.post(f"{gateway}/checkout/u1", json={"country": "DE"}, headers={"traceparent": TRACEPARENT})
    assert reply.status_code == 200
    assert reply.json()["amount_cents"] == (490 + 510) * 119 // 100
    for role in (Role.GATEWAY, Role.ORDERS, Role.CART, Role.PAYMENT, Role.CACHE):
        assert local_shop.lines(role)[-1]["trace_id"] == TRACE_ID
        assert local_shop.lines(role)[-1]["level"] == "info"
    assert Role.CATALOGUE not in {role for role in Role if local_shop.logs[role].getvalue()}


def test_payment_keeps_every_receipt_with_its_note(local_shop):
    gateway = local_shop.start_all()
    reply = httpx.post(f"{gateway}/checkout/u1", json={"country": "DE", "note": "x" * 500_000}).json()
    assert "note" not in reply
    kept = httpx.get(f"{local_shop.urls[Role.PAYMENT]}/receipts/u1").json()
    assert kept == {"receipt": reply["receipt"]}
    assert httpx.get(f"{local_shop.urls[Role.PAYMENT]}/receipts/u2").json() == {"receipt": ""}


def test_the_limit_of_memory_is_told_where_there_is_one(local_shop):
    limited = local_shop.start(Role.CACHE, memory_limit_bytes=2**20)
    assert list(samples(limited, "container_spec_memory_limit_bytes").values()) == [2**20]
    assert samples(local_shop.start(Role.PAYMENT), "container_spec_memory_limit_bytes") == {}


def test_the_catalogue_serves_pages_and_keeps_them_in_the_cache(local_shop):
    gateway = local_shop.start_all()
    first, second = (httpx.get(f"{gateway}/products?page=2&per_page=7").json() for _ in range(2))
    assert first == second
    assert first["pages"] == 9
    assert [product["id"] for product in first["products"]] == [f"p{number}" for number in range(14, 21)]
    routes = [dict(labels)["method"] for labels in samples(local_shop.urls[Role.CACHE], "http_requests_total")]
    assert sorted(routes) == ["GET", "PUT"]


def test_requests_are_counted_by_method_route_and_code(local_shop):
    gateway = local_shop.start_all()
    for user in ("a", "b"):
        httpx.get(f"{gateway}/cart/{user}")
    labels = (("code", "200"), ("method", "GET"), ("route", "/cart/{user}"))
    assert samples(gateway, "http_requests_total") == {labels: 2.0}
    assert samples(gateway, "http_request_duration_seconds_count") == {labels[1:]: 2.0}
    assert samples(gateway, "process_cpu_seconds_total")[()] > 0


def test_a_dependency_that_is_down_makes_a_502_and_an_error_that_names_it(local_shop):
    down = "http://127.0.0.1:9"
    local_shop.urls[Role.CACHE] = down
    cart = local_shop.start(Role.CART)
    assert httpx.get(f"{cart}/carts/u1").status_code == 502
    line = local_shop.lines(Role.CART)[-1]
    assert line["level"] == "error"
    assert "127.0.0.1:9 cannot be reached" in line["msg"]


def test_a_dependency_that_is_silent_is_given_up_on_in_time(local_shop, monkeypatch):
    release = threading.Event()
    silent = (Route("GET", "/entries/{key}", lambda _: _wait(release)),)
    monkeypatch.setitem(ROUTES, Role.CACHE, lambda config: silent)
    local_shop.start(Role.CACHE)
    cart = local_shop.start(Role.CART, timeout_seconds=0.1)
    reply = httpx.get(f"{cart}/carts/u1")
    release.set()
    assert reply.status_code == 502
    assert "did not answer within 0.1 s" in reply.json()["error"]


def _wait(release: threading.Event) -> Reply:
    release.wait(5)
    return Reply({"found": False, "document": {}})


def test_a_missing_tax_rate_raises_and_leaves_the_stack_in_the_log(local_shop):
    local_shop.start_all()
    local_shop.start(Role.ORDERS, tax_rates={"DE": 19})
    gateway = local_shop.start(Role.GATEWAY)
    assert httpx.post(f"{gateway}/checkout/u1", json={"country": "DE"}).status_code == 200
    assert httpx.post(f"{gateway}/checkout/u1", json={"country": "FR"}).status_code == 502
    line = local_shop.lines(Role.ORDERS)[-1]
    assert "KeyError: 'FR'" in line["msg"]
    assert "orders.py" in line["stack"]


def test_busy_workers_turn_requests_away_but_health_and_metrics_answer(local_shop, monkeypatch):
    release, entered = threading.Event(), threading.Event()

    def slow(request: Request) -> Reply:
        entered.set()
        return _wait(release)

    monkeypatch.setitem(ROUTES, Role.CACHE, lambda config: (Route("GET", "/entries/{key}", slow),))
    cache = local_shop.start(Role.CACHE, workers=1)
    held = threading.Thread(target=httpx.get, args=(f"{cache}/entries/a",))
    held.start()
    assert entered.wait(5)
    assert httpx.get(f"{cache}/entries/b").status_code == 503
    assert httpx.get(f"{cache}/healthz").json() == {"status": "ok"}
    assert sum(samples(cache, "http_requests_total").values()) == 1
    release.set()
    held.join()


@pytest.mark.parametrize(
    ("role", "path", "body", "code"),
    [
        (Role.PAYMENT, "/charges", {"amount_cents": 0}, 400),
        (Role.PAYMENT, "/charges", {"amount_cents": "12"}, 400),
        (Role.PAYMENT, "/refunds", {}, 404),
        (Role.CART, "/carts/u1", {"product": "p1"}, 400),
    ],
)
def test_wrong_requests_are_the_callers_fault(local_shop, role, path, body, code):
    assert httpx.post(local_shop.start(role) + path, json=body).status_code == code


def test_a_body_that_is_no_json_is_the_callers_fault(local_shop):
    assert httpx.post(local_shop.start(Role.PAYMENT) + "/charges", content=b"{").status_code == 400


def test_a_rejection_further_down_is_not_an_outage(local_shop):
    gateway = local_shop.start_all()
    assert httpx.post(f"{gateway}/cart/u1", json={"product": "p1"}).status_code == 409


def test_no_service_has_a_switch_that_a_plain_service_lacks():
    """All that the shop offers, spelled out: whoever adds a way to break it from inside must change this list."""
    offered = {
        role: sorted(
            f"{route.method} {route.template}" for route in ROUTES[role](ServiceConfig(name="any", role=role, port=0))
        )
        for role in Role
    }
    assert offered == {
        Role.GATEWAY: ["GET /cart/{user}", "GET /products", "POST /cart/{user}", "POST /checkout/{user}"],
        Role.CATALOGUE: ["GET /products"],
        Role.CART: ["GET /carts/{user}", "POST /carts/{user}"],
        Role.ORDERS: ["POST /orders/{user}"],
        Role.PAYMENT: ["GET /receipts/{user}", "POST /charges"],
        Role.CACHE: ["GET /entries/{key}", "PUT /entries/{key}"],
    }


@given(st.integers(0, 500), st.integers(1, 50))
def test_pages_hold_all_items_and_none_is_empty(items: int, per_page: int):
    pages = page_count(items, per_page)
    assert (pages - 1) * per_page < items <= pages * per_page or (items, pages) == (0, 0)


def test_the_cache_drops_what_was_used_least_recently():
    entries = Entries(limit=2)
    entries.put("a", {"n": 1})
    entries.put("b", {"n": 2})
    assert entries.get("a") == {"n": 1}
    entries.put("c", {"n": 3})
    assert [entries.get(key) is not None for key in "abc"] == [True, False, True]


@given(st.text(max_size=80))
def test_a_malformed_traceparent_starts_a_new_trace(header: str):
    trace = TraceContext.continued(header)
    assert TraceContext.continued(trace.traceparent).trace_id == trace.trace_id


def test_a_trace_is_continued_with_a_new_span():
    trace = TraceContext.continued(TRACEPARENT)
    assert trace.trace_id == TRACE_ID
    assert trace.traceparent not in ("", TRACEPARENT)
    assert TraceContext.continued(f"00-{'0' * 32}-00f067aa0ba902b7-01").trace_id != "0" * 32


def test_the_command_line_configures_a_service():
    line = "--name kestrel --role orders --port 9 --dependency cart=http://127.0.0.1:8 --tax-rate DE=19 --workers 3"
    config, _ = parse(line.split())
    assert config == ServiceConfig(
        name="kestrel",
        role=Role.ORDERS,
        port=9,
        dependencies={Role.CART: "http://127.0.0.1:8"},
        workers=3,
        tax_rates={"DE": 19},
    )


def test_the_log_of_a_service_can_pretend_another_time():
    line = ["--name", "kestrel", "--role", "cache", "--port", "9"]
    (_, now), (_, tomorrow) = parse(line), parse([*line, "--clock-offset-seconds", "86400"])
    assert (tomorrow.now() - now.now()).total_seconds() == pytest.approx(86400, abs=1)


def test_a_wrong_command_line_is_told(capsys):
    with pytest.raises(SystemExit):
        parse(["--name", "a", "--role", "orders", "--port", "9", "--tax-rate", "DE"])
    assert "'DE' is not KEY=VALUE" in capsys.readouterr().err
