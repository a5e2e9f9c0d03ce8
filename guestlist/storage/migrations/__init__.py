"""The schema's history: one Alembic revision a file in `versions/`, oldest first. Released revisions are never edited."""
