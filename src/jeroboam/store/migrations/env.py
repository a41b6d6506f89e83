"""Alembic's door: it migrates the connection it is given."""

from alembic import context

from jeroboam.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=True)
context.run_migrations()
