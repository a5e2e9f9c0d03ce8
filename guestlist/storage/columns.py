"""What all tables share: their metadata, and the kinds of columns."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, MetaData, Text, text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def instant_column(name: str, *, nullable: bool = True) -> Column[int]:
    """Milliseconds since 1970 UTC."""
    return Column(name, BigInteger, nullable=nullable)


def text_column(name: str, default: str | None = None, *, nullable: bool = False) -> Column[str]:
    """Text, or JSON as text."""
    return Column(name, Text, nullable=nullable, server_default=default)


def count_column(name: str) -> Column[int]:
    """A number that grows from 0."""
    return Column(name, BigInteger, nullable=False, server_default="0")


def due_index(name: str, *columns: str) -> Index:
    """An index over the rows that wait (`due_at` is set), and no others."""
    return Index(name, *columns, sqlite_where=text("due_at IS NOT NULL"), postgresql_where=text("due_at IS NOT NULL"))
