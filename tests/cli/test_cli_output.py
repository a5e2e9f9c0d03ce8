"""Words, numbers, tables and progress."""

from __future__ import annotations

import io
import json
import re

import pytest

from guestlist.cli.output import (
    count,
    plural,
    print_json,
    print_records,
    print_table,
    print_text,
    printable,
    progress,
    say,
    say_json,
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_data_goes_to_stdout_and_talk_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    print_text("data")
    print_json({"a": 1})
    say("talk")
    say_json({"b": 2})

    out, err = capsys.readouterr()
    assert out == 'data\n{\n  "a": 1\n}\n'
    assert err == 'talk\n{"b":2}\n'


@pytest.mark.parametrize("text", ["[bold]x[/bold]", ":smile:", "https://x.example/a?b=1", "x" * 500])
def test_text_is_printed_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_text(text)

    assert capsys.readouterr().out == text + "\n"


def test_a_table_cell_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("Column",), [("\x1b]0;owned\x07[red]Name",)])

    out = capsys.readouterr().out
    assert "[red]Name" in out
    assert not {"\x1b", "\x07"} & set(out)


def test_letters_of_all_languages_stay() -> None:
    assert printable("José 太郎 ΟΔΟΣ") == "José 太郎 ΟΔΟΣ"
    assert printable("a\tb\u202ec\x00") == "a�b�c�"


def test_json_is_utf8_and_whole(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    print_json({"name": "太郎", "counts": {1: 2}})

    assert json.loads(capfdbinary.readouterr().out.decode("utf-8")) == {"name": "太郎", "counts": {"1": 2}}


@pytest.mark.parametrize(("number", "text"), [(0, "0 rows"), (1, "1 row"), (1234567, "1,234,567 rows")])
def test_numbers_are_readable(number: int, text: str) -> None:
    assert plural(number, "row") == text
    assert count(number) == text.split()[0]


def test_progress_off_a_terminal_is_a_line_every_other_second(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = iter([0.0, 1.0, 2.0, 2.0, 3.0, 5.0, 5.0])

    with progress("Reading a.csv", 4000, now=lambda: next(seconds)) as advance:
        for _ in range(4):
            advance(1000)

    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["Reading a.csv: 2,000 of 4,000 rows", "Reading a.csv: 4,000 of 4,000 rows"]


def test_a_short_step_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("Reading a.csv") as advance:
        advance(10)

    assert capsys.readouterr() == ("", "")


def test_progress_on_a_terminal_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")

    import sys

    with progress("Reading a.csv", 10) as advance:
        advance(10)

    shown = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert "Reading a.csv" in shown
    assert "\x1b[" in shown


def test_a_table_has_no_blanks_at_the_end_of_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("Code", "Why"), [("a", "long reason"), ("b", "")])

    assert capsys.readouterr().out == "Code  Why\na     long reason\nb\n"


@pytest.mark.parametrize(("columns", "piece"), [(20, "Page  pag_2\n"), (80, "Page  pag_2\n"), (200, "cmp_3  pag_2\n")])
def test_ids_stay_in_one_piece_on_every_terminal(columns: int, piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", str(columns))

    print_records(("Id", "Page", "Why"), [("cmp_1", "pag_2", "long " * 20), ("cmp_3", "pag_2", "")])

    told = re.sub(r"\x1b\[[\d;]*m", "", terminal.getvalue())
    assert piece in told
    assert "cmp_1" in told
