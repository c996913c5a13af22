"""A drill as it happens, in the terminal."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from app.cli.output import plain
from drills.moments import Moment, Phase
from drills.probes import Limits, Reading

_STYLES = {
    Phase.FAULT: "bold red",
    Phase.DIAGNOSIS: "bold yellow",
    Phase.ACTION: "bold cyan",
    Phase.RECOVERED: "bold green",
}


class LiveView:
    """An `Audience` that prints each moment, with a line below that shows how customers fare. A context manager."""

    def __init__(self, console: Console, limits: Limits | None = None) -> None:
        self._console = console
        self._limits = limits or Limits()
        self._live = Live(console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the line below; may be called twice."""
        self._live.stop()

    def moment(self, moment: Moment) -> None:
        """Print when, what, and the details below."""
        head = Text.assemble(
            (f"{moment.seconds:5.1f} s  ", "dim"),
            (f"{moment.phase:<14}", _STYLES.get(moment.phase, "bold")),
            plain(moment.text),
        )
        self._console.print(head)
        for detail in moment.details:
            self._console.print(Text(f"{'':<23}{plain(detail)}", "dim"))

    def customers(self, readings: tuple[Reading, ...]) -> None:
        """Refresh the line at the bottom."""
        line = Text("customers: ", style="dim")
        for reading in readings:
            style = "green" if reading.within(self._limits) else "red"
            line.append(f"  {reading.journey} {reading.success:.0%} in {reading.p95_seconds * 1000:.0f} ms", style)
        self._live.update(line)
