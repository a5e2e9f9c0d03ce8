"""The list engine against the plain right way: csv + phonenumbers + hashlib, both in this process on the same file.

Prints rows a second as a ratio, and the share of right phones on a labelled list in ten spellings.
"""

from __future__ import annotations

import csv
import hashlib
import io
import random
import time
from collections.abc import Callable

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from guestlist.lists.base import ListOptions
from guestlist.lists.engine import CsvListEngine
from guestlist.lists.phones import habit_of
from guestlist.lists.rules import normalise_phone

ROWS = 40_000
LABELLED = 20_000
ROUNDS = 3
COUNTRIES = ("US", "GB", "DE", "FR", "ES", "IT", "BR", "IN", "AU", "NL", "PL", "VN", "MX", "SE", "JP")
FIRST = ("Anna", "José", "Müller", "Sofía", "John", "Mary", "Łukasz", "Zoë", "太郎", "Иван")
LAST = ("Smith", "García", "O'Brien", "Nguyễn", "Kowalski", "da Silva", "Jones", "Öztürk", "山田", "Петров")

Spelling = Callable[[phonenumbers.PhoneNumber, random.Random], str]


def _national(number: phonenumbers.PhoneNumber, rng: random.Random) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


SPELLINGS: dict[str, Spelling] = {
    "plus, grouped": lambda number, rng: phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL),
    "plus, digits": lambda number, rng: phonenumbers.format_number(number, PhoneNumberFormat.E164),
    "national": _national,
    "national digits": lambda number, rng: _digits(_national(number, rng)),
    "00 and code": lambda number, rng: f"00{_e164(number)}",
    "code without plus": lambda number, rng: _e164(number),
    "code and trunk zero": lambda number, rng: f"(+{number.country_code}) {_digits(_national(number, rng))}",
    "extension": lambda number, rng: f"{_national(number, rng)} ext. {rng.randint(1, 999)}",
    "leading zero lost": lambda number, rng: _digits(_national(number, rng)).lstrip("0"),
    "spreadsheet .0": lambda number, rng: f"{_e164(number)}.0",
}


def _e164(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]


def make_number(region: str, rng: random.Random) -> phonenumbers.PhoneNumber:
    """A valid number of a region near its example one."""
    kind = rng.choice((PhoneNumberType.MOBILE, PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE))
    example = phonenumbers.example_number_for_type(region, kind)
    assert example is not None
    digits = phonenumbers.national_significant_number(example)
    while True:
        tail = "".join(rng.choices("0123456789", k=6))
        number = phonenumbers.parse(f"+{example.country_code}{digits[:-6]}{tail}")
        if phonenumbers.is_valid_number(number):
            return number


def make_file(rows: int, seed: int = 1) -> bytes:
    """A list of 15 countries with a country column, spelt as people spell."""
    rng = random.Random(seed)
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(("email", "phone", "first name", "last name", "country"))
    spellings = list(SPELLINGS.values())[:4]
    for index in range(rows):
        region = rng.choice(COUNTRIES)
        phone = rng.choice(spellings)(make_number(region, rng), rng)
        first, last = rng.choice(FIRST), rng.choice(LAST)
        writer.writerow((f"Customer.{index}@Example.com", phone, first, last, region))
    return out.getvalue().encode()


def plain_loop(data: bytes) -> int:
    """The reference's speed: what a careful developer writes in ten lines."""
    usable = 0
    rows = csv.reader(io.StringIO(data.decode(), newline=""))
    next(rows)
    for email, raw, first, last, country in rows:
        try:
            number = phonenumbers.parse(raw, country)
            phone = phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:] if phonenumbers.is_valid_number(number) else ""
        except phonenumbers.NumberParseException:
            phone = ""
        values = [email.strip().lower(), phone, first.strip().lower(), last.strip().lower(), country.strip().lower()]
        usable += len([hashlib.sha256(value.encode()).hexdigest() for value in values if value]) > 0
    return usable


def engine_loop(data: bytes) -> int:
    """Ours, whole: sniffing, mapping, rules, rejects, duplicates, batches."""
    prepared = CsvListEngine().prepare(io.BytesIO(data), ListOptions(region="GB"))
    return sum(len(payload.data) for payload in prepared.payloads())


def _best_seconds(work: Callable[[bytes], int], data: bytes) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work(data)
        times.append(time.process_time() - start)
    return min(times)


def right_share(seed: int = 2) -> dict[str, tuple[int, int]]:
    """Right and all phones by spelling: every spelling of 15 countries, each list in its own region."""
    rng = random.Random(seed)
    score: dict[str, tuple[int, int]] = {}
    for region in COUNTRIES:
        labelled = []
        for _ in range(LABELLED // len(COUNTRIES)):
            number, name = make_number(region, rng), rng.choice(list(SPELLINGS))
            labelled.append((name, SPELLINGS[name](number, rng), _e164(number)))
        habit = habit_of((raw, region) for _, raw, _ in labelled[:1_000])
        for name, raw, label in labelled:
            right, total = score.get(name, (0, 0))
            score[name] = (right + (normalise_phone(raw, region, habit) == label), total + 1)
    return score


def run() -> None:
    """Prints the ratios of this room."""
    data = make_file(ROWS)
    assert plain_loop(data) == ROWS
    engine_loop(data[:200_000])
    plain, ours = _best_seconds(plain_loop, data), _best_seconds(engine_loop, data)
    print(
        f"lists: rows/s against csv + phonenumbers + hashlib   {plain / ours:.2f} x   ({ROWS / ours:,.0f} : {ROWS / plain:,.0f})"
    )
    score = right_share()
    right, total = (sum(column) for column in zip(*score.values(), strict=True))
    print(f"lists: right phones, 15 countries, {len(SPELLINGS)} spellings, {total:,} rows   {right / total:.2%}")
    for name, (of_right, of_total) in score.items():
        print(f"lists:   {name:<20} {of_right / of_total:.2%}")


if __name__ == "__main__":
    run()
