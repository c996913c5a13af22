"""The whole tree of errors.

Every error says what went wrong, whether trying again can help, and what the user should do:

    QuellError
    ├── UsageError                 the caller asked for something that does not make sense
    │   ├── ConfigError            quell.yaml, an environment variable or a flag is wrong
    │   ├── PolicyFileError        the action policy cannot be read
    │   ├── ScenarioError          a drill scenario cannot be read
    │   └── NotFound               no such incident, service, bundle ...
    ├── InvalidInput               a body from outside has a bad field (its path is named)
    │   └── TooLarge               it is larger than allowed
    ├── Conflict                   the state of the thing forbids this now
    │   ├── LeaseLost              another worker took over this incident
    │   └── AlreadyReserved        an action on this service is already under way
    ├── Forbidden                  no token, or the wrong one
    ├── SourceError                a metrics, log or state source did not answer
    │   ├── SourceUnavailable      refused, timed out, 5xx: try again
    │   ├── SourceRejected         the source understood and said no: do not try again
    │   └── ModelError             a language model was not asked, or gave no answer
    │       ├── ModelUnavailable   refused, overloaded, known to be down, or none is there for the task
    │       ├── ModelLate          no answer before the deadline
    │       ├── OverBudget         the worst case of the call does not fit what is left of a cap
    │       └── DataStays          policy forbids data of this service to leave for this rung
    ├── ActuatorError              an action could not be carried out
    ├── StoreError                 the database cannot be read or written
    │   ├── StoreUnavailable       locked, full, gone: try again
    │   ├── StoreCorrupt           the file is not what we wrote
    │   └── SchemaMismatch         migrations are missing, or newer than this program
    ├── StateInvalid               a checkpoint does not validate: a human must look
    ├── BundleError                an incident bundle is incomplete or damaged
    └── NotificationError          a channel did not take the message
"""

from __future__ import annotations


class QuellError(Exception):
    """Base of everything Quell raises on purpose.

    Args:
        message: what went wrong and where, in one line, without secrets.
        fix: what the user should do about it, in one line.
    """

    retryable = False
    exit_code = 1

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message} ({self.fix})" if self.fix else self.message


class UsageError(QuellError):
    """The caller asked for something that does not make sense."""

    exit_code = 2


class ConfigError(UsageError):
    """quell.yaml, an environment variable or a flag is wrong."""


class PolicyFileError(UsageError):
    """The action policy cannot be read."""


class ScenarioError(UsageError):
    """A drill scenario cannot be read."""


class NotFound(UsageError):
    """No such incident, service, bundle or approval."""

    exit_code = 1


class InvalidInput(QuellError):
    """A body from outside has a bad field.

    Args:
        path: where the bad field is, such as ``alerts[3].startsAt``.
    """

    def __init__(self, message: str, *, path: str, fix: str = "") -> None:
        super().__init__(f"{path}: {message}", fix=fix)
        self.path = path


class TooLarge(InvalidInput):
    """A body from outside is larger than allowed."""


class Conflict(QuellError):
    """The state of the thing forbids this now."""


class LeaseLost(Conflict):
    """Another worker took over this incident; this one must stop at once."""


class AlreadyReserved(Conflict):
    """An action on this service is already under way."""

    retryable = True


class Forbidden(QuellError):
    """No token, or the wrong one."""


class SourceError(QuellError):
    """A metrics, log or state source did not answer.

    Attributes:
        billed: whether the source may have worked for the request all the same, and put it on its bill.
        cost_usd: what that counts as in the books; 0 until somebody who knows the price says more.
    """

    billed = False
    cost_usd = 0.0


class SourceUnavailable(SourceError):
    """Refused, timed out or 5xx.

    Args:
        retry_after_seconds: how long the source asked to be left alone; None when it did not say.
    """

    retryable = True

    def __init__(self, message: str, *, retry_after_seconds: float | None = None, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.retry_after_seconds = retry_after_seconds


class SourceRejected(SourceError):
    """The source understood and said no."""


class ModelError(SourceError):
    """A language model was not asked, or gave no answer."""


class ModelUnavailable(ModelError):
    """Refused, overloaded, known to be down, or none is there for the task."""

    retryable = True


class ModelLate(ModelError):
    """No answer before the deadline."""

    retryable = True
    billed = True


class OverBudget(ModelError):
    """The worst case of the call does not fit what is left of a cap."""


class DataStays(ModelError):
    """Policy forbids data of this service to leave for this rung."""


class ActuatorError(QuellError):
    """An action could not be carried out."""


class StoreError(QuellError):
    """The database cannot be read or written."""


class StoreUnavailable(StoreError):
    """Locked, full or gone."""

    retryable = True


class StoreCorrupt(StoreError):
    """The file is not what we wrote."""


class SchemaMismatch(StoreError):
    """Migrations are missing, or newer than this program."""


class StateInvalid(QuellError):
    """A checkpoint does not validate against this program's models."""


class BundleError(QuellError):
    """An incident bundle is incomplete or damaged."""


class NotificationError(QuellError):
    """A channel did not take the message.

    Args:
        retryable: whether sending the same message again can help.
        retry_after_seconds: how long the channel asked to be left alone; None when it did not say.
    """

    def __init__(
        self, message: str, *, retryable: bool, retry_after_seconds: float | None = None, fix: str = ""
    ) -> None:
        super().__init__(message, fix=fix)
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds
