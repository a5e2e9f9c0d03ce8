"""Memory at 10,000,000 rows: the command line reads them from a pipe; its whole process tree is weighed while it does.

Weight is PSS, the kernel's own figure for memory that processes share, from `/proc/PID/smaps_rollup` (Linux).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import orjson

ROWS = 10_000_000
BAR_MIB = 256
EVERY_SECONDS = 0.25
HEADER = b"email,phone,first name,last name,country\n"
FIRST = ("Anna", "José", "Müller", "John", "Mary", "Łukasz", "Zoë", "太郎")
LAST = ("Smith", "García", "O'Brien", "Nguyễn", "Kowalski", "da Silva", "山田")
SPELLINGS = ("+44 7911 {:06d}", "07911{:06d}", "(07911) {:06d}", "447911{:06d}")
BLOCK = 10_000


def make_rows(rows: int) -> Iterator[bytes]:
    """The file in pieces: 1 row in 200 stands there twice, far apart; 1 in 200 lacks e-mail and phone."""
    yield HEADER
    for start in range(0, rows, BLOCK):
        lines = []
        for index in range(start, min(start + BLOCK, rows)):
            who = index // 2 if index % 200 == 100 else index
            phone = SPELLINGS[who % 4].format(who % 1_000_000)
            name, last = FIRST[who % len(FIRST)], LAST[who // 8 % len(LAST)]
            lines.append(f",,{name},{last},GB" if index % 200 == 7 else f"Customer.{who}@Example.com,{phone},{name},{last},GB")
        yield ("\n".join(lines) + "\n").encode()


def _tree(pid: int) -> Iterator[int]:
    """A process and all its descendants."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from _tree(int(child))


def weigh(pid: int) -> tuple[int, int]:
    """The PSS of a process tree in KiB, and how many processes it has. A process that just ended weighs nothing."""
    weight = count = 0
    try:
        for member in _tree(pid):
            lines = Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()
            weight += next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
            count += 1
    except (FileNotFoundError, ProcessLookupError):
        pass
    return weight, count


def measure(rows: int) -> tuple[float, int, float, dict[str, Any]]:
    """Peak MiB, most processes, seconds, and the counts that the command printed."""
    command = [sys.executable, "-m", "guestlist", "lists", "hash", "-", "--region", "GB", "--out", "/dev/null", "--json"]
    start = time.monotonic()
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        feeder = threading.Thread(target=_feed, args=(process.stdin, rows), daemon=True)
        feeder.start()
        peak = most = 0
        while process.poll() is None:
            weight, count = weigh(process.pid)
            peak, most = max(peak, weight), max(most, count)
            time.sleep(EVERY_SECONDS)
        answer = process.stdout.read()
        errors.seek(0)
        assert process.returncode == 0, errors.read()[-2_000:].decode()
        told: dict[str, Any] = orjson.loads(answer)
    return peak / 1024, most, time.monotonic() - start, told


def _feed(stream: IO[bytes], rows: int) -> None:
    with suppress(BrokenPipeError), stream:  # the exit code tells
        for piece in make_rows(rows):
            stream.write(piece)


def run(rows: int = ROWS) -> None:
    """Prints the peak and the bar. Raises when it is missed or a row is."""
    peak, processes, seconds, told = measure(rows)
    print(f"lists: peak memory at {rows:,} rows   {peak:.0f} MiB in {processes} processes   (bar: <= {BAR_MIB}; {seconds:.0f} s)")
    assert told["rows"] == rows, told
    assert told["duplicates"] == told["rejected"]["no_identifier"] == len(range(100, rows, 200)), told
    assert peak <= BAR_MIB


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
