"""The shipped sample: the same bytes from its generator everywhere, as messy as real exports, of people who do not exist."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from guestlist.lists.sample import HEADER, SAMPLE_FILE, SAMPLE_REGION, SAMPLE_ROWS, make_sample, write_sample

Read = Callable[..., Any]


def test_the_generator_reproduces_the_shipped_file_byte_for_byte(tmp_path: Path) -> None:
    write_sample(tmp_path / "sample.csv")
    assert (tmp_path / "sample.csv").read_bytes() == SAMPLE_FILE.read_bytes()


def test_other_sizes_and_seeds_give_other_lists() -> None:
    assert make_sample(50) == make_sample(50)
    assert make_sample(50) != make_sample(50, seed=1)
    assert make_sample(50) != make_sample(51)


def test_the_sample_is_messy_and_accounted_for(read: Read) -> None:
    outcome = read(SAMPLE_FILE.read_bytes(), region=SAMPLE_REGION)
    report = outcome.report

    assert report.rows == SAMPLE_ROWS
    assert outcome.adds_up()
    assert report.usable > 2_000
    assert report.duplicates > 50
    assert {"no_identifier", "blank_row", "row_short", "row_long", "unclosed_quote", "totals_row"} <= set(report.rejected)
    assert {"email_no_at", "email_invalid", "phone_scientific", "phone_ambiguous", "country_unknown"} <= set(report.dropped_cells)


def test_the_sample_maps_every_useful_column(read: Read) -> None:
    report = read(SAMPLE_FILE.read_bytes(), region=SAMPLE_REGION).report

    used = {column.name: column.key for column in report.mapping if column.certainty == "used"}
    assert set(HEADER) - set(used) == {"Customer no.", "Notes"}
    assert (used["Mobile"], used["Phone 2"], used["Date of Birth"]) == ("PHONE", "PHONE", "DOB")


def test_the_sample_names_no_real_mailbox() -> None:
    text = SAMPLE_FILE.read_text(encoding="utf-8-sig")
    domains = {word.rpartition("@")[2].strip('", ').lower() for word in text.split(",") if "@" in word}
    assert all(domain == "" or "example" in domain for domain in domains)
