"""Many rows for one statement: they travel as one JSON parameter, and the database reads them as a table.

A driver called once for each row costs more than the row itself: SQLite's lets go of Python's lock with every call and queues
to have it back, so that a busy event loop holds up the writer. One statement does the same work beside the event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    BindParameter,
    Column,
    ColumnClause,
    FromClause,
    Function,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
)

from .failures import bad_text
from .sqlite import driver

_PARAMETER = "given"


def given_rows(dialect: str, *columns: ColumnClause[Any]) -> FromClause:
    """A table of the parameter's rows, with these columns; a key that a row lacks is NULL. `dialect` is the transaction's."""
    rows = bindparam(_PARAMETER, type_=Text())
    if dialect == "sqlite":
        each = _each(rows).table_valued("value", name="each")
        values = [func.json_extract(each.c.value, literal_column(f"'$.{c.name}'"), type_=c.type).label(c.name) for c in columns]
        return select(*values).select_from(each).subquery(_PARAMETER)
    typed = (column(c.name, c.type) for c in columns)
    return func.json_to_recordset(cast(rows, JSON)).table_valued(*typed).render_derived(name=_PARAMETER, with_types=True)


def _each(rows: BindParameter[str]) -> Function[Any]:
    """SQLite's rows of a JSON array. From 3.51 they stay parsed, which takes a quarter of the time."""
    return func.jsonb_each(func.jsonb(rows)) if driver.sqlite_version_info >= (3, 51) else func.json_each(rows)


def like(source: Column[Any]) -> ColumnClause[Any]:
    """A given column of the same name and type as a table's."""
    return column(source.name, source.type)


def give(rows: Sequence[Any]) -> dict[str, str]:
    """The parameter: mappings or dataclasses, in this order. Errors: UsageError for a text no database can keep."""
    try:
        text = orjson.dumps(rows).decode()
    except orjson.JSONEncodeError:
        raise bad_text() from None
    if "\\u0000" in text:
        raise bad_text()
    return {_PARAMETER: text}
