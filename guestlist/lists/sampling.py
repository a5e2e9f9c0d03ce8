"""A sample of a file's rows: the same for the same file, whoever reads its blocks, and even over its whole length."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Generic, TypeVar

SIZE = 2_000
"""Rows kept of a long file; a file of no more rows is kept whole."""

SPREAD, MASK = 2_654_435_761, (1 << 32) - 1
"""Fibonacci hashing: `number * SPREAD & MASK` throws the numbers of neighbouring rows far apart, below 2^32."""

Item = TypeVar("Item")


def bar_at(number: int) -> int:
    """A row from this number on may be in the sample if its hash is below: each of the first 2,000, ever fewer behind."""
    return (SIZE << 32) // max(number, SIZE)


class Sample(Generic[Item]):
    """Items by row number. Picklable."""

    def __init__(self) -> None:
        self._items: dict[int, Item] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items.values())

    def add(self, number: int, item: Item) -> None:
        """Takes the item of a row whose hash is below the bar. Rows come in file order."""
        self._items[number] = item
        self._last = number

    def forget(self, numbers: Collection[int]) -> None:
        """Takes rows back."""
        for number in numbers:
            self._items.pop(number, None)

    def merge(self, later: Sample[Item]) -> None:
        """Adds the sample of the block that follows; of rows before it, those stay that are wanted of so long a file."""
        self._items |= later._items
        self._last = max(self._last, later._last)
        if len(self._items) > 2 * SIZE:
            self.thin()

    def thin(self) -> None:
        """Leaves an even sample of the rows so far, 2,000 or a few less or more."""
        bar = bar_at(self._last)
        self._items = {number: item for number, item in self._items.items() if number * SPREAD & MASK < bar}
