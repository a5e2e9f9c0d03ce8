"""Parquet: read piece by piece, every value as text. Structs are flattened one level, by a dot; lists and maps left out."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from .containers import MAX_RATIO, RATIO_FROM, Expansion, damaged, too_large
from .records import MAX_FIELD, MAX_LINE, Record
from .values import value_text

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

ROWS = 2_000
"""Records a block."""

VALUE = 8
"""Bytes a value counts beside its text: a file of a few kilobytes can hold millions of missing ones."""

_BUFFER = 1_048_576
_MAX_NAMES = 10_000_000  # bytes of one text in the file's own description, and entries of one list there


class ParquetRecords:
    """The records of such a file."""

    format = "parquet"
    delimiter = ""

    def __init__(self, stream: BinaryIO, expansion: Expansion, most: int) -> None:
        """Reads the file's description. Errors: ListError `damaged_file`, `too_large`."""
        import pyarrow
        import pyarrow.parquet

        self._damage = (pyarrow.ArrowException, OSError, ValueError, TypeError, OverflowError, MemoryError)
        self._expansion = expansion
        try:
            self._file = pyarrow.parquet.ParquetFile(
                stream,
                buffer_size=_BUFFER,
                pre_buffer=False,
                thrift_string_size_limit=_MAX_NAMES,
                thrift_container_size_limit=_MAX_NAMES,
            )
            _check_sizes(self._file.metadata, stream.seek(0, io.SEEK_END), most)
            schema = self._file.schema_arrow
        except self._damage as error:
            raise damaged("Parquet") from error
        self._wanted = [name for field in schema for name in _leaves(field)]
        self.header: tuple[str, ...] | None = tuple(name for name, _ in self._wanted)
        self.width = len(self._wanted)
        left_out = [field.name[:60] for field in schema if not _leaves(field)]
        self.notes = [f"The column {name!r} holds lists or maps and was left out." for name in left_out[:20]]

    def blocks(self) -> Iterator[list[Record]]:
        """The records. Errors: ListError `damaged_file`, `too_large`."""
        columns = list(dict.fromkeys(path[0] for _, path in self._wanted))
        if not columns:
            return
        try:
            for batch in self._file.iter_batches(batch_size=ROWS, columns=columns, use_threads=False):
                yield self._records(batch)
        except self._damage as error:
            raise damaged("Parquet") from error

    def _records(self, batch: pyarrow.RecordBatch) -> list[Record]:
        self._expansion.add(VALUE * batch.num_rows * self.width)
        columns = [_texts(batch, path) for _, path in self._wanted]
        records = []
        for cells in zip(*columns, strict=True):
            size = sum(map(len, cells))
            self._expansion.add(size)
            too_long = size > MAX_FIELD and (size > MAX_LINE or any(len(cell) > MAX_FIELD for cell in cells))
            records.append(Record((), "field_too_long") if too_long else Record(cells))
        return records


def _check_sizes(description: pyarrow.parquet.FileMetaData, packed: int, most: int) -> None:
    """Errors: ListError `too_large` where the file says itself that it unpacks to too much.

    Asked by row group, never by column: a contradiction in a column's description ends the whole process there.
    """
    unpacked = sum(description.row_group(group).total_byte_size for group in range(description.num_row_groups))
    if unpacked > most or (unpacked > RATIO_FROM and unpacked > MAX_RATIO * packed):
        raise too_large(f"unpacks to {unpacked:,} bytes")


def _leaves(field: pyarrow.Field) -> list[tuple[str, tuple[str, ...]]]:
    """The columns a field makes, by name and path: itself, the plain parts of a struct, or none."""
    from pyarrow import types

    if types.is_struct(field.type):
        parts = (field.type.field(index) for index in range(field.type.num_fields))
        return [(f"{field.name}.{part.name}", (field.name, part.name)) for part in parts if not types.is_nested(part.type)]
    return [] if types.is_nested(field.type) else [(field.name, (field.name,))]


def _texts(batch: pyarrow.RecordBatch, path: Sequence[str]) -> list[str]:
    """One column of a batch as texts."""
    column: Any = batch.column(path[0])
    if len(path) > 1:
        column = column.flatten()[column.type.get_field_index(path[1])]
    return [value if type(value) is str else value_text(value) or "" for value in column.to_pylist()]
