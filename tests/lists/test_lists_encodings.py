"""Every encoding a list comes in: read right, or guessed with a warning that names the guess and the way to overrule it."""

from __future__ import annotations

import codecs
import random
from collections.abc import Callable
from typing import Any

import pytest

Read = Callable[..., Any]

NAMES = {
    "windows-1250": ("cp1250", "Łukasz,Wójcik;Małgorzata,Dąbrowska;Jiří,Dvořák;Květa,Šťastná;Sándor,Kovács;Zsófia,Tőkés"),
    "windows-1251": ("cp1251", "Иван,Петров;Ольга,Сидорова;Дмитрий,Кузнецов;Світлана,Шевченко;Георги,Димитров"),
    "windows-1253": ("cp1253", "Γιώργος,Παπαδόπουλος;Μαρία,Νικολάου;Ελένη,Δημητρίου"),
    "shift_jis": ("cp932", "太郎,山田;花子,鈴木;健,佐藤;ユキ,高橋"),
    "gb18030": ("gb18030", "伟,王;娜,李;敏,张;洋,刘;小龙,李"),
    "big5": ("big5", "大文,陳;美玲,林;志明,黃"),
    "euc_kr": ("cp949", "민수,김;영희,이;지훈,박;수진,최"),
    "mac-roman": ("mac_roman", "José,García;Zoë,Müller;François,Lefèvre;Åsa,Öberg"),
    "windows-1252": ("cp1252", "José,García;Zoë,Müller;François,Lefèvre;Åsa,Öberg;Günther,Strauß;Conceição,Brandão"),
}


def make_list(names: str, rows: int) -> str:
    rng = random.Random(rows)
    people = names.split(";")
    return "email,first name,last name\n" + "".join(f"c{at}@example.com,{rng.choice(people)}\n" for at in range(rows))


@pytest.mark.parametrize("encoding", NAMES)
@pytest.mark.parametrize("rows", [20, 400])
def test_a_legacy_encoding_is_guessed_and_the_guess_is_told(read: Read, encoding: str, rows: int) -> None:
    codec, names = NAMES[encoding]
    text = make_list(names, rows)
    outcome = read(text.encode(codec))

    assert outcome.report.encoding == encoding
    assert outcome.rows == read(text).rows
    assert any(encoding in warning and "guess" in warning for warning in outcome.report.warnings)


@pytest.mark.parametrize("encoding", NAMES)
def test_the_user_s_word_on_the_encoding_goes_before_any_guess(read: Read, encoding: str) -> None:
    codec, names = NAMES[encoding]
    text = make_list(names, 3)
    outcome = read(text.encode(codec), encoding=codec)

    assert outcome.rows == read(text).rows
    assert not any("guess" in warning for warning in outcome.report.warnings)


@pytest.mark.parametrize("mark", [True, False])
@pytest.mark.parametrize("encoding", ["utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"])
def test_wide_encodings_are_found_with_and_without_mark(read: Read, encoding: str, mark: bool) -> None:
    text = make_list("José,Łee;太郎,山田", 20)
    outcome = read((codecs.BOM_UTF8.decode() if mark else "").encode(encoding) + text.encode(encoding))

    assert outcome.report.encoding == encoding
    assert outcome.rows == read(text).rows


def test_a_single_foreign_letter_starts_no_guess_at_far_encodings(read: Read) -> None:
    assert read("email,first name\na@example.com,José\n".encode("mac_roman")).report.encoding in ("windows-1252", "utf-8")


def test_windows_1252_rows_in_a_utf_8_file_lose_their_cell_and_never_turn_into_other_letters(read: Read) -> None:
    data = b"email,first name\n" + "".join(f"u{at}@example.com,Zoë\n" for at in range(10)).encode()
    data += "".join(f"w{at}@example.com,José\n" for at in range(20)).encode("cp1252")
    outcome = read(data)

    assert outcome.report.encoding == "utf-8"
    assert outcome.codes == [(row, "first name", "bad_encoding") for row in range(11, 31)]
    assert outcome.report.usable == 30


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-32-be"])
def test_byte_order_marks_in_the_middle_come_off(read: Read, encoding: str) -> None:
    first = '\ufeff"email","first name"\r\n"a@example.com","Ann"\r\n'
    second = '\ufeff"email","first name"\r\n"b@example.com","Bob"\r\n\ufeff"c@example.com","Zoë"'
    outcome = read((first + second).encode(encoding))

    assert outcome.codes == [(2, "", "repeated_header")]
    assert outcome.rows == read("email,first name\na@example.com,Ann\nb@example.com,Bob\nc@example.com,Zoë\n").rows
