"""Types of arguments, with the bounds that the API enforces."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Le, MaxLen
from pydantic import StringConstraints

Limit = Annotated[int, Ge(1), Le(1000)]
"""How many rows at most."""

Sequence = Annotated[int, Ge(0), Le(2**63 - 1)]
"""A sequence number, as a database holds it."""

Id = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""An id or a name."""

Who = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""Who did it: one line, as it goes into the audit trail."""

Note = Annotated[str, MaxLen(2000)]
"""A free remark."""
