"""String literals of PromQL, LogQL and TraceQL, which all escape as Go does."""

from __future__ import annotations


def quoted(value: str) -> str:
    """A string literal that no value can end early.

    https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals
    """
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'
