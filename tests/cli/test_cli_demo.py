"""The demo's door and its story; the run itself is tested end to end."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from typer.testing import Result

from guestlist.cli.demo_run import Numbers
from guestlist.cli.demo_story import list_changes, print_list, print_story

MAPPING = [
    {"name": "E-Mail", "key": "EMAIL", "certainty": "used", "reason": "Its header says so."},
    {"name": "Who", "key": "FULL_NAME", "certainty": "unsure", "reason": "It may be FULL_NAME."},
    {"name": "Notes", "key": None, "certainty": "ignored", "reason": "Neither header nor content tell what it is."},
]
PREVIEW = [
    {"row": 2, "cells": {"PHONE": ("0117 ••• ••11", "44••••••••11", "5bb1049b")}, "codes": ("email_no_at",)},
    {"row": 3, "cells": {"EMAIL": ("A•••@e••.example", "a•••@e••.example", "e1dfa2a6")}, "codes": ()},
    {"row": 4, "cells": {"ZIP": ("AL• •••", "a•••", "f7113937")}, "codes": ()},
]


def numbers_of(**funnel: Any) -> Numbers:
    """A demo that is over: 300 rows, 290 usable, 150 recipients, unless told otherwise."""
    report = {"rows": 300, "usable": 290, "duplicates": 6, "rejected": {"no_identifier": 4}, "dropped_cells": {"email_no_at": 2}}
    expected = {"lower": 58, "upper": 203, "grounds": "Meta states that 20 to 70 % are usually matched."}
    reject = {"row": 2, "column": "E-Mail", "code": "email_no_at", "value": "an•••", "remedy": "Write name@domain."}
    steps = {"recipients": 150, "excluded": {}, "accepted": 145, "delivered": 145, "read": 90, "clicked": 20, "opted_out": 3}
    ends = {"failed": {"late_failure": 3, "region": 2}, "unknown": 0, "pending": 0, "subscribers": {"list": 140, "ad": 10}}
    return Numbers(
        report=report | {"mapping": MAPPING, "preview": PREVIEW, "expected_match": expected, "warnings": ["Is GB right?"]},
        rejects=[reject],
        upload={"rows_sent": 290},
        audience={"lower": 130, "upper": 150, "reachability": {"sentence": "Meta matched few."}},
        funnel=steps | ends | funnel,
        seconds=7.0,
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--list", "none.csv", "--region", "GB"], "There is no file"),
        (["--list", ".", "--region", "GB"], "is a folder"),
        (["--list", "empty.csv", "--region", "GB"], "is empty"),
        (["--list", "words.csv", "--region", "GB"], "No column holds"),
        (["--list", "good.csv", "--region", "XY"], "is not a region"),
        (["--list", "good.csv"], "--list needs --region"),
        (["--region", "GBR"], "is not a region"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_before_anything_starts(
    words: list[str], sentence: str, empty_folder: Path, guestlist: Callable[..., Result]
) -> None:
    for name, text in {
        "empty.csv": "",
        "words.csv": "colour,size\nred,9\nblue,8\n",
        "good.csv": "email\nann@mail.example\n",
    }.items():
        (empty_folder / name).write_text(text)

    result = guestlist("demo", *words)

    assert result.exit_code == 2
    assert sentence in result.stderr
    assert "What to do:" in result.stderr
    assert "Connected" not in result.stderr
    assert sorted(path.name for path in empty_folder.iterdir()) == ["empty.csv", "good.csv", "words.csv"]


def test_the_list_is_told_with_reasons_and_without_clear_values(capsys: pytest.CaptureFixture[str]) -> None:
    print_list(numbers_of())

    told = capsys.readouterr().out
    assert "300 rows, 290 usable, 6 duplicates, 4 rejected." in told
    assert "maybe FULL_NAME" in told
    assert "not used" in told
    assert "Neither a valid e-mail nor a valid phone is left." in told
    assert "Write name@domain." in told
    assert "- Is GB right?" in told


def test_shown_changes_are_visible_ones_and_sound_rows_come_first() -> None:
    assert [(row, key) for row, key, *_ in list_changes(PREVIEW)] == [("4", "ZIP"), ("2", "PHONE")]


def test_the_story_adds_up_and_says_what_is_pretended(capsys: pytest.CaptureFixture[str]) -> None:
    print_story(numbers_of(), own_list=True)

    told = capsys.readouterr().out
    assert "300 rows = 290 usable + 6 duplicates + 4 rejected" in told
    assert "150 recipients = 145 accepted + 5 failed + 0 unknown + 0 pending" in told
    assert "Everything adds up" in told
    assert "its people are invented" in told
    assert "expect 58 to 203 matches" in told
    assert "Marketing messages are not offered in the person's region." in told
    assert "Nobody of the list" not in told


def test_a_list_below_the_threshold_is_told_why(capsys: pytest.CaptureFixture[str]) -> None:
    print_story(numbers_of(subscribers={"ad": 150}), own_list=True)

    told = capsys.readouterr().out
    assert "Nobody of the list can be messaged yet" in told
    assert "Meta matched few." in told


def test_totals_that_do_not_add_up_are_never_called_sound(capsys: pytest.CaptureFixture[str]) -> None:
    print_story(numbers_of(accepted=144), own_list=False)

    assert "Everything adds up" not in capsys.readouterr().out


def test_a_killed_demo_leaves_no_emulator_behind(tmp_path: Path) -> None:
    started = subprocess.Popen(
        [sys.executable, "-m", "guestlist", "--data", str(tmp_path / "data"), "demo", "--keep"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with started:
        address = next(line for line in started.stderr if line.startswith("Emulator:")).split()[1]
        started.kill()
    port = urlsplit(address).port
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return
        time.sleep(0.1)
    raise AssertionError("the emulator outlived the demo")
