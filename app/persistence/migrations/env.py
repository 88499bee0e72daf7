"""How the migration tool reaches the database: on the connection that ``app.persistence.migrate`` holds the lock with."""

from __future__ import annotations

from alembic import context
from sqlalchemy import event

from app.persistence.engine import tell_that_it_begins
from app.persistence.tables import metadata


def run() -> None:
    """Run the migrations, each in a transaction of its own where the database can undo DDL; MySQL commits it at once."""
    connection = context.config.attributes["connection"]
    can_undo = connection.dialect.name == "sqlite"
    if can_undo:
        event.listen(connection, "begin", tell_that_it_begins)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
        transactional_ddl=can_undo,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()


run()
