"""What Alembic runs: the migrations, on the connection and in the transaction that `stores.migrate` hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy.sql.schema import SchemaItem

from stores.tables import METADATA


def ours(item: SchemaItem, name: str | None, kind: str, reflected: bool, counterpart: SchemaItem | None) -> bool:
    """Leave alone what another program, such as LangGraph's checkpointer, keeps in the same database."""
    return not (kind == "table" and reflected and counterpart is None)


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    include_object=ours,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
