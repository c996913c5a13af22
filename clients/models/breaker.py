"""A circuit breaker: what failed several times in a row is left alone for a while, then one call tries it again.

M. Nygard, Release It!, 2nd ed., 2018, ch. 5: closed, open, half-open.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from core.clock import Clock
from core.errors import ModelUnavailable, SourceError


class Breaker:
    """Guards one thing that can fail.

    Args:
        what: whom the refusal talks about.
        failures_to_open: failures in a row that open it.
        open_seconds: how long it then refuses; after that, one call at a time is let through until one succeeds.
        counted: errors that are failures; any other `SourceError` means that the thing works, but for
            `ModelUnavailable`: then it was not asked.
    """

    def __init__(
        self,
        what: str,
        failures_to_open: int,
        open_seconds: float,
        counted: tuple[type[Exception], ...],
        clock: Clock,
    ) -> None:
        self._what = what
        self._failures_to_open = failures_to_open
        self._open_seconds = open_seconds
        self._counted = counted
        self._clock = clock
        self._failures = 0
        self._retry_at: float | None = None
        self._probing = False
        self._last = ""

    @contextlib.contextmanager
    def guard(self) -> Iterator[None]:
        """Around a call.

        Raises:
            ModelUnavailable: it is open, or half-open with a probe under way.
        """
        self._admit()
        try:
            yield
        except self._counted as error:
            self._failed(str(error))
            raise
        except ModelUnavailable:
            self._probing = False
            raise
        except SourceError:
            self._worked()
            raise
        except BaseException:  # cancelled, or a bug: nothing was learned
            self._probing = False
            raise
        self._worked()

    def _admit(self) -> None:
        if self._retry_at is None:
            return
        left = self._retry_at - self._clock.monotonic()
        if left <= 0 and not self._probing:
            self._probing = True
            return
        when = f"tried again in {left:.0f} s" if left > 0 else "being tried right now"
        raise ModelUnavailable(
            f"{self._what} failed {self._failures} times in a row and is {when}; last: {self._last}",
            fix="see the last failure; `quell models check` asks it at once",
        )

    def _failed(self, told: str) -> None:
        self._probing = False
        self._last = told
        self._failures += 1
        if self._failures >= self._failures_to_open:
            self._retry_at = self._clock.monotonic() + self._open_seconds

    def _worked(self) -> None:
        self._probing = False
        self._failures = 0
        self._retry_at = None
