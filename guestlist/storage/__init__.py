"""Tables, statements and migrations, on SQLite and PostgreSQL."""
