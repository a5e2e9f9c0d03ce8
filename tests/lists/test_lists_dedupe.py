"""Each row once: the first is kept, however many there are and wherever the next stands, in memory and beyond it."""

from __future__ import annotations

import hashlib
import os
import resource
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestlist.errors import ListError
from guestlist.lists import dedupe
from guestlist.lists.dedupe import Seen

Read = Callable[..., Any]


def identity(number: int) -> bytes:
    return hashlib.blake2b(str(number).encode(), digest_size=16).digest()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sets(st.integers(0, 60), max_size=30), max_size=12), st.integers(0, 40))
def test_it_finds_what_a_set_would(calls: list[set[int]], in_memory: int) -> None:
    seen, known = Seen(in_memory), set[int]()
    for numbers in calls:
        again = seen.add([identity(number) for number in sorted(numbers)])
        assert again == {identity(number) for number in numbers & known}
        known |= numbers
    seen.close()


def test_it_is_exact_beyond_its_memory() -> None:
    seen = Seen(in_memory=1_000)
    for start in range(0, 40_000, 4_000):
        assert seen.add([identity(number) for number in range(start, start + 4_000)]) == set()
    again = [identity(number) for number in range(39_990, 40_010)]
    assert seen.add(again) == set(again[:10])
    assert seen.add([identity(number) for number in range(40_000)]) == {identity(number) for number in range(40_000)}
    seen.close()


def nameless_files() -> int:
    """Open files of this process that have no name any more."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum(str(link.readlink()).endswith("(deleted)") for link in links)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
def test_its_file_has_no_name_and_goes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dedupe, "CACHE_KIB", 64)
    before, seen = nameless_files(), Seen(in_memory=10)
    seen.add([identity(number) for number in range(20_000)])

    assert nameless_files() == before + 1
    seen.close()
    assert nameless_files() == before


def fill(seen: Seen) -> None:
    for _ in range(30):
        seen.add([os.urandom(16) for _ in range(1_000)])


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dedupe, "CACHE_KIB", 64)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
    try:
        with closing(Seen(in_memory=10)) as seen, pytest.raises(ListError, match="no room on disk") as error:
            fill(seen)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert error.value.code == "disk_full"


@pytest.mark.parametrize("in_memory", [0, 7_000, 1_000_000])
def test_the_first_of_far_duplicates_is_kept_in_file_order(read: Read, in_memory: int) -> None:
    lines = [f"c{index}@example.com" for index in range(20_000)]
    outcome = read("\n".join(["email", *lines, *reversed(lines), "new@example.com"]), in_memory=in_memory)

    emails = [*lines, "new@example.com"]
    assert [row[0] for row in outcome.rows] == [hashlib.sha256(email.encode()).hexdigest() for email in emails]
    assert (outcome.report.rows, outcome.report.duplicates) == (40_001, 20_000)
    assert outcome.adds_up()
