"""The sample list: a customer export as messy as real ones, of people who do not exist.

The generator is deterministic: the same rows and seed give the same bytes on every machine, and `sample.csv` beside this
module is what `write_sample` writes by default. E-mail addresses use domains reserved for examples; phone numbers come
from the ranges that regulators keep for fiction where a country has them.
"""

from __future__ import annotations

import csv
import io
import random
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

from .sample_people import LANDS, Land

SAMPLE_FILE = Path(__file__).with_name("sample.csv")
"""The list as shipped."""

SAMPLE_REGION = "GB"
"""The region of rows that name no country."""

SAMPLE_ROWS = 2_400
SAMPLE_SEED = 20_260_729

HEADER = (
    *("Customer no.", "First Name", "Surname", "E-Mail", "Mobile", "Phone 2"),
    *("Town", "Postcode", "Country", "Date of Birth", "Gender", "Notes"),
)


DOMAINS = ("example.com", "example.org", "example.net", "mail.example", "shop.example", "Example.COM")
NOTES = (
    *("", "", "", "", "", "", "VIP", "prefers e-mail", "gift; wrap", "a, b and c"),
    *('ordered the 5" pipe', 'said "call later"', "two lines\nof a note"),
)
BROKEN_EMAILS = (
    *("{0}", "{0}@", "{0}@@example.com", "{0}.example.com", "{0}@example", "{0}@example..com"),
    *("{0} @example .com", "@example.com", "n/a", "#N/A"),
)
BROKEN_PHONES = ("n/a", "12345", "0000000000", "4.47911E+11", "+0000000000", "see notes", "#REF!", "unknown", "01234")
ARABIC_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")

Spelling = Callable[[Land, str, random.Random], str]

SPELLINGS: tuple[tuple[int, Spelling], ...] = (
    (30, lambda land, number, rng: f"{land.trunk}{number}"),
    (18, lambda land, number, rng: f"+{land.code} {number}"),
    (8, lambda land, number, rng: f"+{land.code}{_digits(number)}"),
    (8, lambda land, number, rng: f"{land.trunk}{_digits(number)}"),
    (6, lambda land, number, rng: f"00{land.code} {number}"),
    (6, lambda land, number, rng: f"{land.code}{_digits(number)}"),
    (5, lambda land, number, rng: f"(+{land.code}) {land.trunk}{number}"),
    (4, lambda land, number, rng: f"{land.trunk}{number} ext. {rng.randrange(1, 999)}"),
    (3, lambda land, number, rng: f"{land.trunk}{_digits(number)} x{rng.randrange(10, 99)}"),
    (4, lambda land, number, rng: _digits(number)),
    (4, lambda land, number, rng: f"{land.code}{_digits(number)}.0"),
    (2, lambda land, number, rng: f"mobile: {land.trunk}{number}"),
    (1, lambda land, number, rng: f"{land.trunk}{_digits(number)}".translate(FULL_WIDTH)),
    (1, lambda land, number, rng: f"{land.trunk}{_digits(number)}".translate(ARABIC_DIGITS)),
)
"""How people and spreadsheets write a number, with weights."""


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


Row = list[str]


def write_sample(path: Path, rows: int = SAMPLE_ROWS, seed: int = SAMPLE_SEED) -> None:
    """Writes a list of so many records after the header, UTF-8 with a byte order mark, CRLF, as spreadsheets do."""
    path.write_bytes(make_sample(rows, seed))


def make_sample(rows: int = SAMPLE_ROWS, seed: int = SAMPLE_SEED) -> bytes:
    """The bytes of the list."""
    rng = random.Random(seed)
    people = [_person(index, rng) for index in range(rows)]
    records = [_spoiled(index, person, people, rng) for index, person in enumerate(people)]
    records[-1:] = [f"Total: {rows - 1} customers{',' * (len(HEADER) - 1)}"]
    return "\r\n".join([_line(HEADER), *records, ""]).encode("utf-8-sig")


def _person(index: int, rng: random.Random) -> Row:
    """A customer as the shop's staff typed them in."""
    land = rng.choices(LANDS, [land.weight for land in LANDS])[0]
    first, last, (town, postcode) = rng.choice(land.first), rng.choice(land.last), rng.choice(land.towns)
    number = _number(land, rng)
    second = f"+{land.code} {_number(land, rng)}" if rng.random() < 0.15 else ""
    birth = f"{rng.randrange(1945, 2006)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}" if rng.random() < 0.5 else ""
    gender = rng.choice((*("f", "m", "F", "M", "female", "male") * 4, *("",) * 24, "x"))
    spelling = rng.choices([spell for _, spell in SPELLINGS], [weight for weight, _ in SPELLINGS])[0]
    phone = spelling(land, number, rng) if rng.random() < 0.86 else ""
    email = f"{_local_part(first, last)}{index}@{rng.choice(DOMAINS)}" if rng.random() < 0.88 else ""
    country = rng.choice(land.spellings)
    return [f"C-{10_000 + index}", first, last, email, phone, second, town, postcode, country, birth, gender, rng.choice(NOTES)]


def _number(land: Land, rng: random.Random) -> str:
    return "".join(str(rng.randrange(10)) if char == "#" else char for char in rng.choice(land.ranges))


def _local_part(first: str, last: str) -> str:
    """What a mailbox makes of a name: plain letters, or `customer` where none are left."""
    plain = unicodedata.normalize("NFKD", f"{first}.{last}").encode("ascii", "ignore").decode()
    letters = "".join(char for char in plain if char.isalpha() or char == ".").strip(".")
    return letters.lower() if len(letters) > 2 else "customer"


def _spoiled(index: int, person: Row, people: list[Row], rng: random.Random) -> str:
    """The record as the export holds it: mostly as typed, else spoiled in one of the ways exports are."""
    email, phone = HEADER.index("E-Mail"), HEADER.index("Mobile")
    draw = rng.random()
    if draw < 0.040 and index > 50:  # the same customer again, in other capitals and spaces
        twin = people[rng.randrange(index)]
        return _line([*twin[:1], f" {twin[1]}", *twin[2:email], twin[email].upper(), *twin[email + 1 :]])
    if draw < 0.065:
        person[email] = rng.choice(BROKEN_EMAILS).format(f"customer{index}")
    elif draw < 0.085:
        person[phone] = rng.choice(BROKEN_PHONES)
    elif draw < 0.100:
        person[email], person[phone] = rng.choice(("", "-", "none")), rng.choice(("", "n/a", "123"))
    elif draw < 0.104:
        return "," * (len(HEADER) - 1)
    elif draw < 0.108:
        return _line(person[: rng.randrange(3, 9)])
    elif draw < 0.111:
        return _line([*person, "x"])
    elif draw < 0.113:
        return ",".join(cell.replace('"', "").replace("\n", " ").replace(",", " ") for cell in person[:-1]) + ',"never closed'
    elif draw < 0.130:
        person[email] = f" {person[email]} "
    return _line(person)


def _line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue().removesuffix("\r\n")
