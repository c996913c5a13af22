"""Column types that behave the same on every database."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, LargeBinary, Text
from sqlalchemy.types import TypeDecorator

from core.models import to_utc

_ESCAPE = "\x1a"
_NUL = f"{_ESCAPE}0"
_ESCAPED = f"{_ESCAPE}e"


class AnyText(TypeDecorator[str]):
    """Text of any characters. PostgreSQL keeps no NUL (https://www.postgresql.org/docs/current/datatype-character.html),
    which a stranger's alert may well hold: there it is written as SUBSTITUTE and a zero.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        plain = str(value)  # drivers have their own ideas of enums
        if dialect.name == "postgresql":
            return plain.replace(_ESCAPE, _ESCAPED).replace("\0", _NUL)
        return plain

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or dialect.name != "postgresql":
            return value
        return value.replace(_NUL, "\0").replace(_ESCAPED, _ESCAPE)


class UtcDateTime(TypeDecorator[datetime]):
    """A time in UTC: zoned on both sides, whatever the database keeps (SQLite keeps no zone).

    Raises:
        ValueError: a time without a zone is written.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else to_utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Compressed(TypeDecorator[bytes]):
    """Bytes that are kept zlib-compressed (RFC 1950).

    Raises:
        ValueError: what the table holds is not what was compressed.
    """

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else zlib.compress(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        try:
            return zlib.decompress(value)
        except zlib.error as error:
            raise ValueError(f"a compressed column does not decompress: {error}") from error
