"""Three hundred made files, most of them broken: every record is accounted for, or the file is refused with a known code."""

from __future__ import annotations

import pytest
from support.list_fuzz import check_file, make_file

HUNDREDS = 3


@pytest.mark.parametrize("hundred", range(HUNDREDS))
def test_made_files_are_accounted_for(hundred: int) -> None:
    seeds = range(100 * hundred, 100 * hundred + 100)
    codes = [check_file(make_file(seed)) for seed in seeds]

    assert codes.count("") > 40  # most are read: a reader that refused all would account for nothing
    assert codes.count("damaged_file") > 10


def test_a_made_file_is_the_same_every_time() -> None:
    assert [make_file(seed) for seed in range(40)] == [make_file(seed) for seed in range(40)]
