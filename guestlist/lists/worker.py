"""The process that reads blocks for another: a plan first, then blocks, each answered with its result, until the input ends."""

from __future__ import annotations

import os
import pickle
import sys

from guestlist.lists.blocks import BlockReader
from guestlist.lists.workers import read_frame, write_frame


def main() -> None:
    """Answers until the other side ends."""
    if hasattr(os, "nice"):
        os.nice(5)  # serving comes first
    source, target = sys.stdin.buffer, sys.stdout.buffer
    plan = read_frame(source)
    if plan is None:
        return
    reader = BlockReader(pickle.loads(plan))  # noqa: S301 (from our own process)
    while (block := read_frame(source)) is not None:
        write_frame(target, pickle.dumps(reader.read(pickle.loads(block))))  # noqa: S301


if __name__ == "__main__":
    main()
