"""What would make a list better, in order of gain: each with how many rows it concerns and what to do.

A gain is about how many more people might match at the upper end of the range. The weights are our own reading of Meta's
"more keys raise the match rate"; they order the hints and promise nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from .addresses import CLOSED, ROLE, TYPO, Note
from .base import Hint, IdentifiersPerRow, Key, ListReport, RegionChange
from .rejects import REGISTRY

NEW_PERSON = 0.6
"""The gain of a row that has no good identifier so far: one identifier at best."""

SECOND_IDENTIFIER = 0.1
"""The gain of a second identifier."""

HELPING_KEYS = {
    "first and last names": ((Key.FN, Key.LN), 0.03),
    "countries": ((Key.COUNTRY,), 0.01),
    "dates of birth": ((Key.DOBY,), 0.01),
    "towns or postal codes": ((Key.CT, Key.ZIP), 0.01),
}
"""By the words people use: the keys, and the gain of each row that gets one."""

_NAMED = 3
"""Mistyped domains that are named."""


class Findings(NamedTuple):
    """What the pass found beside the report."""

    noted: Mapping[Note, int]
    by_column: int
    guessed_encoding: bool
    postcodes: str = ""  # the region whose postal codes the list holds, if they tell


def find_hints(report: ListReport, findings: Findings) -> list[Hint]:
    """The hints, the one with the highest gain first."""
    identifiers = report.identifiers_per_row
    if identifiers is None:
        return []
    found = best_region(report)
    hints = [
        *(_of_region(report, found) if found else _of_postcodes(report, findings.postcodes)),
        *_of_rejects(report, identifiers, found.net if found else 0),
        *_of_identifiers(report, identifiers, found.net if found else 0),
        *_of_addresses(findings.noted, identifiers),
        *_of_phones(report),
        *_of_mapping(report),
        *(_of_keys(report) if report.has_header else _of_header(report)),
        *_of_guesses(report, findings),
    ]
    return sorted(hints, key=lambda hint: (-hint.gain, hint.code != "region", -hint.rows))


def best_region(report: ListReport) -> RegionChange | None:
    """The region that reads more numbers of the list than its own, if one does by more than chance."""
    worth = (change for change in report.regions if change.net > 0 and change.gained >= max(3, 0.01 * change.rows))
    return next(worth, None)


def several(count: int, noun: str, nouns: str = "") -> str:
    """`1 phone is`, `1,200 phones are`: the noun with its verb, if it has one, in both numbers."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def _of_region(report: ListReport, best: RegionChange) -> Iterator[Hint]:
    """Another region that reads more numbers; those both read differently are probably misread now."""
    lost = min(report.rejected.get("no_identifier", 0), best.net)
    about = "" if best.gained - best.lost == best.net else "About "
    text = f"{about}+{best.net:,} numbers with --region {best.region} instead of {report.region}: {best.reason}."
    if best.changed:
        text += f" {best.changed:,} of {best.rows:,} looked at are numbers in both, but different ones."
    gain = NEW_PERSON * lost + SECOND_IDENTIFIER * (best.net - lost) + SECOND_IDENTIFIER * best.changed
    country = "fill in the country column" if Key.COUNTRY in report.keys else "add a column with each customer's country"
    yield Hint(
        "region", best.net, round(gain), text, f"Check again with --region {best.region}; if the list is mixed, {country}."
    )


def _of_postcodes(report: ListReport, region: str) -> Iterator[Hint]:
    """Postal codes of another region than the list's, which may share its numbering plan: Canada and the United States."""
    lost = report.dropped_cells.get("zip_invalid", 0)
    if region and region != report.region and 2 * lost >= report.usable:
        text = f"The postal codes are those of {region}, not of {report.region}: {several(lost, 'is', 'are')} left out."
        yield Hint("postal_codes", lost, round(0.02 * lost), text, f"Check again with --region {region}.")


def _of_rejects(report: ListReport, identifiers: IdentifiersPerRow, by_region: int) -> Iterator[Hint]:
    """Rows and identifiers that a person could mend. `by_region`: numbers that another region would mend."""
    rows = sum(count for code, count in report.rejected.items() if REGISTRY[code].fixable)
    if rows:
        text = f"{several(rows, 'row is', 'rows are')} lost: broken in form, or without a valid e-mail and phone."
        yield Hint("mend_rows", rows, round(NEW_PERSON * rows), text, _MEND)
    cells: Counter[str] = Counter()
    for code, count in report.dropped_cells.items():
        cells[REGISTRY[code].column] += count
    ambiguous = report.dropped_cells.get("phone_ambiguous", 0)
    if ambiguous:
        text = (
            f"{several(ambiguous, 'phone number reads', 'phone numbers read')} in two ways, and the column does not tell which."
        )
        action = "Write them with a plus sign and country code."
        yield Hint("ambiguous_phones", ambiguous, round(SECOND_IDENTIFIER * ambiguous), text, action)
    phones, emails = cells["phone"] - ambiguous, cells["email"]
    if phones or emails:
        parts = [(phones, "phone number", ""), (emails, "e-mail address", "e-mail addresses")]
        named = " and ".join(several(count, one, many) for count, one, many in parts if count)
        alone = min(phones, max(0, identifiers.email_only - by_region)) + min(emails, identifiers.phone_only)
        text = f"{named} cannot be used and {'is' if phones + emails == 1 else 'are'} left out."
        yield Hint("mend_identifiers", phones + emails, round(SECOND_IDENTIFIER * alone), text, _MEND)


_MEND = "Correct them in the file that --fixable FIX.csv writes, then check again with --fixes FIX.csv."


def _of_identifiers(report: ListReport, identifiers: IdentifiersPerRow, by_region: int) -> Iterator[Hint]:
    """Rows with one identifier only. `by_region`: numbers that another region would add."""
    for code, rows, has, lacks, action in (
        ("add_phone", identifiers.email_only - by_region, "an e-mail", Key.PHONE, "Add mobile numbers, with country code."),
        ("add_email", identifiers.phone_only, "a phone", Key.EMAIL, "Add e-mail addresses."),
    ):
        if rows > 0 and 50 * rows >= report.usable:
            of_all = "All" if rows == report.usable else f"{rows:,} of"
            text = f"{of_all} {report.usable:,} rows have {has} only."
            if lacks not in report.keys:
                text += f" No column is used for {lacks}."
            yield Hint(code, rows, round(SECOND_IDENTIFIER * rows), text, action)


def _of_addresses(noted: Mapping[Note, int], identifiers: IdentifiersPerRow) -> Iterator[Hint]:
    """E-mail addresses that are hardly anybody's profile."""
    mails = identifiers.both + identifiers.email_only
    alone = identifiers.email_only / mails if mails else 0.0
    worth = NEW_PERSON * alone + SECOND_IDENTIFIER * (1 - alone)
    counts: Counter[str] = Counter()
    for note, count in noted.items():
        counts[note.code] += count
    if rows := counts[TYPO]:
        text = f"{several(rows, 'e-mail seems', 'e-mails seem')} to have a mistyped domain: {_name_typos(noted)}."
        action = "Correct them in your own list; Guestlist never changes an address."
        yield Hint("typo_domains", rows, round(worth * rows), text, action)
    if rows := counts[CLOSED]:
        text = f"{several(rows, 'e-mail belongs', 'e-mails belong')} to a mail service that was closed: the list has aged."
        action = "Ask these customers for a current address, or add their mobile."
        yield Hint("closed_domains", rows, round(worth * rows / 2), text, action)
    if rows := counts[ROLE]:
        text = (
            f"{several(rows, 'e-mail address is', 'e-mail addresses are')} a desk's, such as info@ or sales@: no profile has one."
        )
        yield Hint("role_addresses", rows, round(worth * rows / 2), text, "Add the customer's personal address or mobile.")


def _name_typos(noted: Mapping[Note, int]) -> str:
    """The most frequent mistyped domains: `gmial.com (7, gmail.com?)`."""
    typos = sorted((-count, note) for note, count in noted.items() if note.code == TYPO)
    named = ", ".join(f"{note.domain} ({-count:,}, {note.suggestion}?)" for count, note in typos[:_NAMED])
    return f"{named} and others" if len(typos) > _NAMED else named


def _of_phones(report: ListReport) -> Iterator[Hint]:
    """Landlines, and numbers without country code in a list that names no country."""
    seen, numbers = report.phones, report.keys.get(Key.PHONE, 0)
    if seen is None:
        return
    if 5 * seen.landline >= seen.looked_at:
        rows = round(numbers * seen.landline / seen.looked_at)
        about = "About " if seen.looked_at < numbers else ""
        text = f"{about}{several(rows, 'phone is a landline', 'phones are landlines')}; profiles hold mobiles."
        yield Hint("landlines", rows, round(SECOND_IDENTIFIER * rows), text, "Add mobile numbers where you have them.")
    bare = round(numbers * (1 - seen.with_country_code / seen.looked_at))
    if bare and 5 * bare >= numbers and Key.COUNTRY not in report.keys:
        text = f"{several(bare, 'phone carries', 'phones carry')} no country code; taken as {report.region}."
        action = "If some customers live elsewhere, add a column with their country."
        yield Hint("no_country_code", bare, round(0.01 * bare), text, action)


def _of_mapping(report: ListReport) -> Iterator[Hint]:
    """Columns that may be useful but were left out."""
    for column in report.mapping:
        if column.certainty == "unsure" and column.key:
            worth = SECOND_IDENTIFIER if column.key in (Key.EMAIL, Key.PHONE) else 0.02
            text = f"The column {column.name!r} may be {column.key}, and is not used. {column.reason}"
            action = f"Settle it with --map '{column.name}={column.key}', or '{column.name}=ignore'."
            yield Hint("unsure_column", report.usable, round(worth * report.usable), text, action)


def _of_header(report: ListReport) -> Iterator[Hint]:
    """Without a header only e-mails, phones and the like are known by what they hold."""
    if any(key not in report.keys for keys, _ in HELPING_KEYS.values() for key in keys):
        text = "The file has no header, so names, towns and other columns cannot be told apart."
        action = "Add a line with the columns' names, or name them by number: --map 1=FN --map 2=LN."
        yield Hint("no_header", report.usable, round(0.05 * report.usable), text, action)


def _of_keys(report: ListReport) -> Iterator[Hint]:
    """Keys that help to tell people apart, and that few rows hold."""
    unsure = {column.key for column in report.mapping if column.certainty == "unsure"}
    missing, gain = [], 0.0
    for words, (keys, worth) in HELPING_KEYS.items():
        rows = report.usable - max(report.keys.get(key, 0) for key in keys)
        if report.usable and 2 * rows >= report.usable and unsure.isdisjoint(keys):
            missing.append((words, rows))
            gain += worth * rows
    if missing:
        named = ", ".join(words for words, _ in missing)
        text = f"None or few of the rows have {named}. These identify nobody alone, but help Meta to tell people apart."
        yield Hint("add_keys", max(rows for _, rows in missing), round(gain), text, "Add what you have of them.")


def _of_guesses(report: ListReport, findings: Findings) -> Iterator[Hint]:
    """What was decided for the user, and might be wrong."""
    if findings.by_column:
        text = f"{several(findings.by_column, 'phone number reads', 'phone numbers read')} in two ways; the column decided."
        yield Hint(
            "by_column", findings.by_column, 0, text, "Look at some of them; if they are wrong, write them with a plus sign."
        )
    if findings.guessed_encoding and report.encoding != "utf-8":
        text = f"The encoding {report.encoding} is a guess."
        yield Hint("guessed_encoding", report.rows, 0, text, "If names look wrong, name it with --encoding, or export as UTF-8.")
