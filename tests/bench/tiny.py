"""A benchmark that measures nothing, for tests of what is around one."""

from __future__ import annotations

from bench.result import BenchOptions, BenchResult, Case, Peer, figure


def run(options: BenchOptions) -> BenchResult:
    """Two figures, a case and a peer."""
    figures = (
        figure("tiny.right", 0.91234, floor=0.9, aim=0.95),
        figure("tiny.seconds", 3.0, "s", floor=2.0, aim=1.0, lower_is_better=True),
    )
    cases = (Case(name="one", expected="a", answer="b", score=0.0),) if options.with_cases else ()
    peers = (Peer(name="guess", source="nobody", figures=figures[:1]),) if options.with_peers else ()
    return BenchResult(name="tiny", figures=figures, cases=cases, peers=peers)
