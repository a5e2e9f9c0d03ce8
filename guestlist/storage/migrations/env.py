"""What Alembic runs: the revisions, on the connection `migrate.py` hands over."""

from __future__ import annotations

from alembic import context

from guestlist.storage import messaging_tables as messaging_tables
from guestlist.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=bool(context.get_head_revision()),  # SQLite alters tables by copying them; the first revision only creates
)
with context.begin_transaction():
    context.run_migrations()
