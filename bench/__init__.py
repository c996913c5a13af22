"""Benchmarks on public data and on load: each a module with a `run(BenchOptions) -> BenchResult`."""
