"""Stack traces of four runtimes, as lines of their own, in one line, and in between other lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.logs.stacks import MAX_TRACE_LINES, folded, stack_key
from tests.analysis.logs.lines import line

JAVA = """2026-03-03 12:00:00 ERROR checkout failed
org.shop.CheckoutException: order 17 failed
\tat org.shop.Checkout.run(Checkout.java:42)
\tat org.shop.Web.post(Web.java:7)
Caused by: java.net.ConnectException: Connection refused
\tat java.base/java.net.Socket.connect(Socket.java:633)
\tat org.shop.Client.call(Client.java:12)
\t... 12 more"""
PYTHON = """Traceback (most recent call last):
  File "/app/web.py", line 10, in handle
    return total(cart)
  File "/app/cart.py", line 99, in total
    return sum(price(item) for item in cart)
  File "/app/cart.py", line 7, in price
    return PRICES[item]
KeyError: 'shoe'"""
GO = """panic: runtime error: index out of range [5] with length 3

goroutine 34 [running]:
main.(*Cart).total(0xc000010018, 0x5)
\t/app/cart.go:17 +0x1d
main.handle({0x7f, 0xc0000})
\t/app/web.go:8 +0x65
created by net/http.(*Server).Serve
\t/usr/lib/go/src/net/http/server.go:3102 +0x4db
exit status 2"""
NODE = """TypeError: Cannot read properties of undefined (reading 'price')
    at total (/app/cart.js:17:12)
    at async Server.handle (/app/web.js:8:3)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)"""
KEYS = {
    JAVA: "java.net.ConnectException at java.base/java.net.Socket.connect < org.shop.Client.call",
    PYTHON: "KeyError at price < total < handle",
    GO: "panic: runtime error: index out of range at main.(*Cart).total < main.handle",
    NODE: "TypeError at total < Server.handle < process.processTicksAndRejections",
}


@pytest.mark.parametrize("text", KEYS)
def test_a_trace_is_keyed_by_type_and_top_frames(text: str) -> None:
    assert stack_key(text) == KEYS[text]
    assert stack_key(text.replace("\n", "\\n").replace("\t", "\\t")) == KEYS[text]


@pytest.mark.parametrize("text", KEYS)
def test_lines_of_one_trace_are_one_message(text: str) -> None:
    lines = [line("before"), *map(line, text.splitlines()), line("after")]
    found = list(folded(lines))
    traces = [trace for _, trace in found if trace]
    assert [stack_key(trace) for trace in traces] == [KEYS[text]]
    plain = [head.text for head, trace in found if not trace]
    assert plain[0] == "before"
    assert plain[-1] == "after"


def test_two_python_traces_in_a_row_are_two_messages() -> None:
    found = list(folded(map(line, (PYTHON + "\n" + "served\n" + PYTHON).splitlines())))
    assert [bool(trace) for _, trace in found] == [True, False, True]


def test_a_chained_python_trace_is_keyed_by_the_last_exception() -> None:
    text = (
        PYTHON
        + "\n\nDuring handling of the above exception, another exception occurred:\n\n"
        + PYTHON.replace("KeyError", "shop.CartError")
    )
    ((_, trace),) = folded(map(line, text.splitlines()))
    assert stack_key(trace).startswith("shop.CartError at price")


@pytest.mark.parametrize("text", ["look at (this) place", "meet at noon", "", "    indented", 'File "x", line 3'])
def test_ordinary_lines_have_no_key(text: str) -> None:
    assert stack_key(text) == ""


def test_a_trace_without_end_is_bounded() -> None:
    lines = [
        line("java.lang.StackOverflowError"),
        *(line(f"\tat a.B.c{n}(B.java:1)") for n in range(50 * MAX_TRACE_LINES)),
    ]
    ((head, trace),) = folded(lines)
    assert head.text == "java.lang.StackOverflowError"
    assert trace.count("\n") < MAX_TRACE_LINES


@given(
    texts=st.lists(
        st.sampled_from([*"\n".join(KEYS).splitlines(), "served", "", " x", "panic: ", "Caused by: "])
        | st.text(max_size=40)
    )
)
def test_no_line_is_lost_and_order_is_kept(texts: list[str]) -> None:
    found = list(folded(map(line, texts)))
    told = [part for head, trace in found for part in (trace.split("\n") if trace else [head.text])]
    if all("\n" not in text for text in texts):
        assert told == texts
    for _, trace in found:
        stack_key(trace)
