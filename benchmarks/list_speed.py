"""The list engine against the plain right way: csv + phonenumbers + hashlib, on the same kind of rows, on one core and on two.

Ratios of rows a second. One core compares the CPU time of both in this process; two cores compare wall time, so it needs
two idle cores.
"""

from __future__ import annotations

import csv
import hashlib
import io
import random
import re
import time
from collections.abc import Callable

import phonenumbers
from phonenumbers import PhoneNumberFormat

from guestlist.lists.base import ListOptions
from guestlist.lists.engine import FileListEngine

from .list_phones import COUNTRIES, SPELLINGS, make_number

ROWS = 40_000
TIMES_LONGER = 8
ROUNDS = 3
ONE_CORE_BAR, TWO_CORES_BAR = 0.9, 1.7
FIRST = ("Anna", "José", "Müller", "Sofía", "John", "Mary", "Łukasz", "Zoë", "太郎", "Иван")
LAST = ("Smith", "García", "O'Brien", "Nguyễn", "Kowalski", "da Silva", "Jones", "Öztürk", "山田", "Петров")


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


def lengthen(data: bytes, times: int) -> bytes:
    """The same rows several times, each time with other e-mail addresses, so that none is a duplicate."""
    header, _, body = data.partition(b"\n")
    return header + b"\n" + b"".join(re.sub(rb"(?m)^Customer", b"Customer%d" % copy, body) for copy in range(times))


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


def engine_loop(data: bytes, workers: int = 1) -> int:
    """Ours, whole: sniffing, mapping, rules, rejects, duplicates, batches."""
    prepared = FileListEngine().prepare(io.BytesIO(data), ListOptions(region="GB", workers=workers))
    return sum(len(step.payload.data) for step in prepared.steps() if step.payload)


def best_seconds(clock: Callable[[], float], *works: Callable[[], int]) -> list[float]:
    """The shortest time of each, their rounds taken in turns so that a busy moment hits all."""
    best = [float("inf")] * len(works)
    for _ in range(ROUNDS):
        for at, work in enumerate(works):
            start = clock()
            work()
            best[at] = min(best[at], clock() - start)
    return best


def run() -> None:
    """Prints both ratios with their bars."""
    data = make_file(ROWS)
    assert plain_loop(data) == engine_loop(data) == ROWS
    plain, ours = best_seconds(time.process_time, lambda: plain_loop(data), lambda: engine_loop(data))
    _tell("one core, against csv + phonenumbers + hashlib", ROWS / ours, ROWS / plain, ONE_CORE_BAR)
    long, rows = lengthen(data, TIMES_LONGER), ROWS * TIMES_LONGER
    assert engine_loop(long, workers=2) == rows
    plain, ours = best_seconds(time.perf_counter, lambda: plain_loop(data), lambda: engine_loop(long, workers=2))
    _tell("two cores, against the same on one core", rows / ours, ROWS / plain, TWO_CORES_BAR)


def _tell(what: str, ours: float, plain: float, bar: float) -> None:
    print(f"lists: rows/s, {what:<46}   {ours / plain:.2f} x   ({ours:,.0f} : {plain:,.0f}; bar: >= {bar})", flush=True)


if __name__ == "__main__":
    run()
