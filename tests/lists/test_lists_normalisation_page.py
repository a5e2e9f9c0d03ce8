"""The page on normalisation keeps its word: every example of every table is run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestlist.domain.phones import phone_aliases
from guestlist.lists.base import UNHASHED, Key, Reject
from guestlist.lists.rejects import REGISTRY
from guestlist.lists.rules import hash_value, normalise, normalise_digest

PAGE = (Path(__file__).parent.parent.parent / "docs" / "reference" / "normalisation.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"\| (\w+) \| ([A-Z]{2}) \| `(.+)` \| (rejected: )?`(.+?)` \| (?:`([0-9a-f]{8})`|(in clear))? ?\|")
DIGEST = re.compile(r"\| `(\S+)` \| (rejected: )?`(\w+)` \|")
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)


def tables() -> dict[str, list[str]]:
    """The rows of the tables, heads left out, by section."""
    titles, texts = SECTION.findall(PAGE), SECTION.split(PAGE)[2::2]
    return {
        title: [line for line in text.splitlines() if line.startswith("| ")][1:]
        for title, text in zip(titles, texts, strict=True)
    }


TABLES = tables()
KEYS = [title for title in TABLES if title.split(", ")[0] in tuple(Key)]


def examples() -> Iterator[tuple[str, ...]]:
    for title in KEYS:
        for row in TABLES[title]:
            found = EXAMPLE.fullmatch(row)
            assert found is not None, row
            yield tuple(part or "" for part in found.groups())


def test_every_key_has_examples_that_pass_and_one_that_is_rejected() -> None:
    shown, rejected = ({key for key, *_, refused, _, _, _ in examples() if bool(refused) is wanted} for wanted in (False, True))
    assert shown == set(Key)
    assert rejected == set(Key) - {Key.EXTERN_ID}
    assert all("Source: fact page 1.3" in section for section in PAGE.split("\n## ")[1:] if section.startswith(tuple(KEYS)))


@pytest.mark.parametrize(("key", "region", "raw", "refused", "value", "digest", "in_clear"), list(examples()))
def test_an_example_comes_out_as_shown(
    key: str, region: str, raw: str, refused: str, value: str, digest: str, in_clear: str
) -> None:
    answer = normalise(Key(key), raw, region=region, this_year=2026)
    if refused:
        assert isinstance(answer, Reject)
        assert answer.code == value
        assert value in REGISTRY
    else:
        assert answer == value
        assert bool(in_clear) == (Key(key) in UNHASHED)
        assert in_clear or hash_value(value).startswith(digest or "no digest")


def test_columns_of_digests_come_out_as_shown() -> None:
    rows = TABLES["Columns of digests"]
    assert len(rows) >= 5
    for row in rows:
        found = DIGEST.fullmatch(row)
        assert found is not None, row
        raw, refused, value = found.groups()
        answer = normalise_digest(raw)
        assert (answer.code if isinstance(answer, Reject) else answer) == value
        assert isinstance(answer, Reject) == bool(refused)


def test_forms_of_one_number_are_as_shown() -> None:
    for row in TABLES["Forms of one number"]:
        number, other = re.findall(r"`(\d+)`", row)
        assert phone_aliases(number) == (number, other)
