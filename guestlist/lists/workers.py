"""Several processes read the blocks of one file; what they find comes back in file order.

A worker is a fresh process that runs `guestlist.lists.worker`, never a fork: the server has threads. Blocks and results go
through its pipes, so it ends when this process does, however that ends. A block whose worker died is read here instead.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import IO

from .blocks import BlockPlan, BlockReader, BlockResult
from .table import Numbered

MOST = 4
"""Processes that are started without being asked for: a fifth would wait for the one that reads the file."""

ALONE = 20_000
"""Rows read before others are called in: starting a process takes as long as reading so many."""

_LENGTH = 8


def count_workers(wanted: int | None) -> int:
    """How many processes read a long file: as many as wanted, else one for each core this process may use, up to four."""
    if wanted is not None:
        return wanted
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST)


def read_blocks(plan: BlockPlan, blocks: Iterable[Numbered], workers: int) -> Generator[BlockResult]:
    """The results in the order of the blocks, of which a few at a time are on their way. Closing it ends the processes."""
    reader, upcoming, rows = BlockReader(plan), iter(blocks), 0
    for block in upcoming:
        if workers > 1 and rows >= ALONE:
            yield from _read_together(plan, chain([block], upcoming), workers, reader)
            return
        yield reader.read(block)
        rows += len(block.records)


def _read_together(plan: BlockPlan, upcoming: Iterator[Numbered], workers: int, reader: BlockReader) -> Generator[BlockResult]:
    pool = _Pool(plan, workers)
    waiting: deque[tuple[Numbered, Future[bytes | None]]] = deque()
    try:
        while True:
            for block in islice(upcoming, 2 * workers - len(waiting)):
                waiting.append((block, pool.submit(block)))
            if not waiting:
                return
            block, found = waiting.popleft()
            answer = found.result()
            yield pickle.loads(answer) if answer else reader.read(block)  # noqa: S301 (from our own process)
    finally:
        pool.close()


class _Pool:
    """Workers, and for each a thread that waits for its answer, and one with the next block in hand."""

    def __init__(self, plan: BlockPlan, workers: int) -> None:
        self._threads = ThreadPoolExecutor(2 * workers, thread_name_prefix="list-worker")
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        self._workers: list[_Worker] = []
        try:
            for _ in range(workers):
                self._workers.append(_Worker(plan))
                self._idle.put(self._workers[-1])
        except BaseException:
            self.close()
            raise

    def submit(self, block: Numbered) -> Future[bytes | None]:
        """The pickled result of a block to come; None if its worker died."""
        return self._threads.submit(self._ask, block)

    def _ask(self, block: Numbered) -> bytes | None:
        data = pickle.dumps(block)
        worker = self._idle.get()
        try:
            return worker.ask(data)
        finally:
            self._idle.put(worker)

    def close(self) -> None:
        """Ends the processes, whatever they are at."""
        for worker in self._workers:
            worker.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.close()


class _Worker:
    """One process, asked one thing at a time."""

    def __init__(self, plan: BlockPlan) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "guestlist.lists.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # an exception's text could hold a customer's cell; the block is read again here
            env={**os.environ, "PYTHONPATH": os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)},
            process_group=0,  # Ctrl-C is for this process, which then ends its workers
        )
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: PT018
        self._to: IO[bytes] = self._process.stdin
        self._from: IO[bytes] = self._process.stdout
        self._lives = self._tell(pickle.dumps(plan))

    def ask(self, data: bytes) -> bytes | None:
        """The answer, or None from a process that died."""
        if not self._lives:
            return None
        answer = read_frame(self._from) if self._tell(data) else None
        self._lives = answer is not None
        return answer

    def _tell(self, data: bytes) -> bool:
        try:
            write_frame(self._to, data)
        except OSError:
            return False
        return True

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        """Waits for the killed process to be gone, and closes its pipes."""
        self._process.wait()
        self._from.close()
        with suppress(OSError):  # what was left to send has no reader any more
            self._to.close()


def write_frame(stream: IO[bytes], data: bytes) -> None:
    """Sends a message with its length before it."""
    stream.write(len(data).to_bytes(_LENGTH, "big"))
    stream.write(data)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes | None:
    """The next message, or None where the other side ended, be it within one."""
    head = stream.read(_LENGTH)
    if len(head) < _LENGTH:
        return None
    size = int.from_bytes(head, "big")
    data = stream.read(size)
    return data if len(data) == size else None
