"""SQLAlchemy Core statements as text and positional values for the drivers. No engine, no ORM at run time.

Two caches keep compiling off the hot path. A statement object met again (module level) is found by identity, for the price of a
dictionary look-up. One built for the moment is found by its shape, SQLAlchemy's own cache key, and only its values are new.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any
from weakref import WeakSet

from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.util import LRUCache

from .failures import bad_text

Parameters = Mapping[str, Any]
Processor = Callable[[Any], Any]

_DIALECTS: Mapping[str, Dialect] = {
    "sqlite": SQLiteDialect_pysqlite(paramstyle="qmark"),
    "postgresql": PGDialect_asyncpg(),  # type: ignore[no-untyped-call]
}
_KEPT = 1024  # compiled statements kept in each cache: several times what the code base holds
_by_shape: LRUCache[Any, Any] = LRUCache(_KEPT)
_met: WeakSet[Executable] = WeakSet()


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement ready for one driver. `inside` are the values written into the statement itself, by parameter."""

    shape: _Shape
    inside: Parameters

    def render(self, parameters: Parameters) -> tuple[str, Sequence[Any]]:
        """The text and the values by position."""
        return self.shape.render({**self.inside, **parameters} if self.inside else parameters)

    def render_many(self, rows: Sequence[Parameters]) -> tuple[str, list[Sequence[Any]]]:
        """The text and the values of each row. Errors: ValueError when the text depends on the values (IN lists)."""
        if self.shape.expanding:
            raise ValueError("A statement with an IN list cannot be run for many rows at once.")
        rendered = [self.render(row) for row in rows]
        return rendered[0][0], [values for _, values in rendered]


def compile_statement(statement: Executable, dialect: str, names: tuple[str, ...]) -> Compiled:
    """The statement for `dialect` ("sqlite" | "postgresql") with parameters of these names.

    Errors: ValueError for a parameter the statement does not have, or one it lacks. Rendering a NUL raises UsageError.
    """
    if statement in _met:
        return _compile_and_keep(statement, dialect, names)
    _met.add(statement)
    return _compile(statement, dialect, names)


def _compile(statement: Executable, dialect: str, names: tuple[str, ...]) -> Compiled:
    # `for_executemany` keeps the compiler from adding RETURNING of its own.
    compiler, extracted, *_ = statement._compile_w_cache(
        _DIALECTS[dialect],
        compiled_cache=_by_shape,
        column_keys=sorted(names),
        for_executemany=True,
        schema_translate_map=None,
    )
    assert isinstance(compiler, SQLCompiler), "only queries, DML and text() run here; DDL belongs to the migrations"
    shape = _Shape(compiler, names) if extracted is None else _shape_and_keep(compiler, names)
    values = compiler.construct_params({}, extracted_parameters=extracted, escape_names=False, _check=False)
    return Compiled(shape, {key: values[name] for name, key in shape.inside})


_compile_and_keep = lru_cache(maxsize=_KEPT)(_compile)


class _Shape:
    """What statements of one form share: the text, the order of the values and how each is converted."""

    def __init__(self, compiler: SQLCompiler, names: tuple[str, ...]) -> None:
        _check_names(compiler, names)
        key_of = {name: bind.key for bind, name in compiler.bind_names.items()}
        order = list(compiler.positiontup or ())
        processors = _processors(compiler)
        self.expanding = bool(compiler.post_compile_params)
        self.inside = tuple((name, key) for name, key in key_of.items() if key not in names)
        self._compiler = compiler
        self._text = str(compiler)
        self._pick = _picker([key_of[name] for name in order])
        self._processors = processors
        self._convert = [(place, processors[name]) for place, name in enumerate(order) if name in processors]

    def render(self, parameters: Parameters) -> tuple[str, Sequence[Any]]:
        if self.expanding:
            return self._expand(parameters)
        values = self._pick(parameters)
        _check_text(values)
        if not self._convert:
            return self._text, values
        converted = list(values)
        for place, processor in self._convert:
            converted[place] = processor(converted[place])
        return self._text, converted

    def _expand(self, parameters: Parameters) -> tuple[str, Sequence[Any]]:
        state = self._compiler.construct_expanded_state(dict(parameters), escape_names=False)
        processors = {**self._processors, **state.processors}
        given = state.parameters
        values = [processors[name](given[name]) if name in processors else given[name] for name in state.positiontup or ()]
        _check_text(values)
        return state.statement, values


_shape_and_keep = lru_cache(maxsize=_KEPT)(_Shape)


def _check_names(compiler: SQLCompiler, names: tuple[str, ...]) -> None:
    given = set(names)
    if surplus := given - {bind.key for bind in compiler.bind_names}:
        raise ValueError(f"The statement has no parameter named {', '.join(sorted(surplus))}.")
    if missing := {bind.key for bind in compiler.bind_names if bind.required} - given:
        raise ValueError(f"The statement needs a value for {', '.join(sorted(missing))}.")


def _check_text(values: Sequence[Any]) -> None:
    for value in values:
        if type(value) is str and "\0" in value:
            raise bad_text()


def _processors(compiler: SQLCompiler) -> dict[str, Any]:
    found = {}
    for bind, name in compiler.bind_names.items():
        processor = bind.type.dialect_impl(compiler.dialect).bind_processor(compiler.dialect)
        if processor is not None:
            found[name] = processor
    return found


def _picker(keys: Sequence[str]) -> Callable[[Parameters], Sequence[Any]]:
    if len(keys) > 1:
        return itemgetter(*keys)
    if keys:
        return lambda row: (row[keys[0]],)
    return lambda row: ()
