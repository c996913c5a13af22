"""`quell graph`: the state machine as a diagram."""

from __future__ import annotations

import typer


def graph() -> None:
    """Print the incident state machine as Mermaid."""
    from graphs.incident import diagram

    typer.echo(diagram(), nl=False)
