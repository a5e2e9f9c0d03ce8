"""Several processes give what one gives, in the same order; none outlives the reading, whatever ends it or them."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from guestlist.errors import ListError
from guestlist.lists.base import ListOptions
from guestlist.lists.engine import FileListEngine
from guestlist.lists.table import Numbered
from guestlist.lists.workers import ALONE, count_workers, read_blocks

Read = Callable[..., Any]
pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")

ODD = ("broken,12,x,", '"c7@example.com","020 7946\n0001","Ann, Lee",GB', ",,,", "a,b", '"never closed,1,2,3', "Total,,,")


def make_file(rows: int) -> bytes:
    """Rows of every kind: plain, quoted, over line ends, odd ones, near and far duplicates."""
    lines = ["email,phone,first name,country"]
    for index in range(rows):
        who = index // 3 if index % 50 == 0 else index - 1 if index % 70 == 0 else index
        phone = f"+4420794{who % 100_000:05d}"
        lines.append(ODD[index // 200 % len(ODD)] if index % 200 == 0 else f"c{who}@example.com,{phone},Zoë,GB")
        if index % 20_000 > 17_000 and index % 3 == 0:
            lines.append(f'"q{index}@example.com","{phone}","Z ""{index}"", é","DE"')
    return "\n".join(lines).encode()


def workers_of(parent: int | None = None) -> list[int]:
    """The worker processes of a process, of this one unless told."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            head, _, tail = stat.read_text().rpartition(")")
            command = stat.with_name("cmdline").read_bytes()
            if tail.split()[1] == str(parent or os.getpid()) and b"guestlist.lists.worker" in command:
                found.append(int(head.split()[0]))
    return found


def test_the_outcome_is_the_same_however_many_read(read: Read) -> None:
    data = make_file(45_000)
    alone, *others = [read(data, workers=workers, batch_rows=7_000, in_memory=20_000) for workers in (1, 2, 3)]

    assert alone.adds_up()
    assert alone.report.duplicates > 1_000
    assert len(alone.report.rejected) >= 5
    for other in others:
        assert other.payloads == alone.payloads
        assert other.rejects == alone.rejects
        assert other.report.as_json() == alone.report.as_json()
    assert workers_of() == []


def test_a_short_file_starts_no_process(monkeypatch: pytest.MonkeyPatch, read: Read) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    rows = [f"c{index}@example.com" for index in range(ALONE - 1)]
    assert read("\n".join(["email", *rows]), workers=2).report.usable == ALONE - 1


def steps_of(data: bytes, workers: int) -> tuple[Any, Any]:
    prepared = FileListEngine().prepare(io.BytesIO(data), ListOptions(region="GB", workers=workers, batch_rows=2_000))
    return prepared, prepared.steps()


@pytest.mark.parametrize("killed", [1, 2])
def test_a_killed_worker_costs_no_row(killed: int) -> None:
    data = make_file(45_000)
    whole = list(steps_of(data, workers=1)[1])
    prepared, steps = steps_of(data, workers=2)
    got = []
    with closing(steps):
        for step in steps:
            got.append(step)
            if len(got) > ALONE // 2_000 and killed:
                for pid in workers_of()[:killed]:
                    os.kill(pid, signal.SIGKILL)
                    killed -= 1

    assert not killed
    assert got == whole
    assert workers_of() == []


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_closing_early_leaves_no_process_and_no_file() -> None:
    prepared, steps = steps_of(make_file(45_000), workers=2)
    files = open_files()
    while not workers_of():
        next(steps)
    assert open_files() > files
    steps.close()

    assert workers_of() == []
    assert open_files() <= files


def test_an_error_in_the_file_ends_the_workers() -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 1_500_000:
                raise OSError("gone")
            return super().read(size)

    prepared = FileListEngine().prepare(Breaking(make_file(45_000)), ListOptions(region="GB", workers=2))
    with pytest.raises(ListError, match="cannot be read to its end"):
        list(prepared.steps())
    assert workers_of() == []


SCRIPT = """
import sys
from pathlib import Path
from guestlist.lists.base import ListOptions
from guestlist.lists.engine import FileListEngine
for step in FileListEngine().prepare(Path(sys.argv[1]), ListOptions(region="GB", workers=2, batch_rows=1000)).steps():
    print(len(step.rejects), flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_workers_end_with_the_process_that_reads(tmp_path: Path, how: signal.Signals) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(make_file(120_000))
    command = [sys.executable, "-c", SCRIPT, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        workers: list[int] = []
        while len(workers) < 2 and process.stdout.readline():
            workers = workers_of(process.pid)
        process.send_signal(how)
        process.stdout.close()
        process.wait(20)

    assert len(workers) == 2
    until = time.monotonic() + 20
    while any(Path(f"/proc/{pid}/stat").exists() for pid in workers) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [pid for pid in workers if Path(f"/proc/{pid}/stat").exists()]


def test_no_more_is_read_ahead_than_the_workers_can_take() -> None:
    prepared, _ = steps_of(make_file(1_000), workers=1)
    block = max(prepared._table.numbered(), key=lambda numbered: len(numbered.records))
    taken = 0

    def blocks() -> Iterator[Numbered]:
        nonlocal taken
        while True:
            taken += 1
            yield block

    with closing(read_blocks(prepared._plan, blocks(), workers=2)) as results:
        done = 0
        while not workers_of():
            next(results)
            done += 1
        time.sleep(0.5)
        assert taken - done <= 4


def test_the_option_beats_the_setting_and_the_cores_decide_without() -> None:
    assert count_workers(1) == 1
    assert count_workers(7) == 7
    assert 1 <= count_workers(None) <= 4
