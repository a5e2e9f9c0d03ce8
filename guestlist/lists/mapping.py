"""Columns to keys: by what their header says, by what they hold where it says nothing, or as the user said.

Only what is sure is used. A column that might be a key is shown as unsure and left out of the upload, because a wrong
value with a right-looking name costs matches silently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from guestlist.errors import ListError

from .base import UNHASHED, Key, MappedColumn
from .content import Content
from .headers import DOB, FULL_NAME, IGNORE, Named, find_hinted, find_named, refuses_value

IDENTIFIERS = (Key.EMAIL, Key.PHONE)
TARGETS = (*Key, FULL_NAME, DOB)

ENOUGH_TO_DOUBT = 10
"""Filled cells from which content may overrule a header."""

_CHECKED = frozenset({Key.GEN, Key.DOBY, Key.DOBM, Key.DOBD, Key.ST, Key.ZIP, Key.COUNTRY, DOB, FULL_NAME})
"""Keys whose header alone is not trusted: less than a third of sound values makes the column unsure."""


@dataclass(frozen=True, slots=True)
class _Guess:
    """A column's mapping on its own, before the columns are seen together."""

    key: str | None
    certainty: str
    reason: str
    rank: int = 0
    hashed: bool = False


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """The mapping of every column in file order, and for each key the indexes of the columns that serve it, best first."""

    columns: list[MappedColumn]
    serving: Mapping[str, tuple[int, ...]]


def map_columns(
    header: Sequence[str] | None, columns: Sequence[Sequence[str]], region: str, chosen: Mapping[str, str] | None = None
) -> ColumnPlan:
    """What each column is used for. `columns` holds sample cells, column by column.

    Errors: ListError `unknown_column`, `unknown_key`, `no_usable_column`.
    """
    names = _names(header, len(columns))
    wanted = _chosen(names, chosen or {})
    guesses = []
    for index, cells in enumerate(columns):
        content = Content(cells, region)
        if index in wanted:
            guesses.append(_by_choice(wanted[index], content))
        else:
            guesses.append(_guess(header[index] if header else None, content))
    _settle(guesses, columns)
    serving = _serving(guesses)
    if not serving.keys() & set(IDENTIFIERS):
        raise ListError(
            "No column holds e-mail addresses or phone numbers.",
            code="no_usable_column",
            remedy=f"Check the encoding and the delimiter, or name the column with --map, such as --map '{names[0][:40]}=EMAIL'.",
            columns=[name[:60] for name in names[:50]],
        )
    mapped = [
        MappedColumn(
            index,
            name,
            str(guess.key) if guess.key else None,
            guess.certainty,
            guess.reason + _turn(index, guess.key, serving),
            guess.hashed,
        )
        for index, (name, guess) in enumerate(zip(names, guesses, strict=True))
    ]
    return ColumnPlan(mapped, serving)


def _serving(guesses: Sequence[_Guess]) -> dict[str, tuple[int, ...]]:
    """The used columns by key: best rank first, in file order among equals."""
    used = [(guess.rank, index, guess.key) for index, guess in enumerate(guesses) if guess.key and guess.certainty == "used"]
    serving: dict[str, tuple[int, ...]] = {}
    for _, index, key in sorted(used):
        serving[key] = (*serving.get(key, ()), index)
    return serving


def _turn(index: int, key: str | None, serving: Mapping[str, tuple[int, ...]]) -> str:
    """Where several columns serve one key, each says so."""
    rivals = serving.get(key or "", ())
    if len(rivals) < 2 or index not in rivals:
        return ""
    return f" Number {rivals.index(index) + 1} of {len(rivals)} such columns: the first valid one of a row is used."


def _names(header: Sequence[str] | None, width: int) -> list[str]:
    """The columns' names as reports show them: printable, not endless, `column 3` where the header has none."""
    shown = ["".join(char if char.isprintable() else " " for char in name).strip()[:100] for name in header or [""] * width]
    return [name or f"column {index + 1}" for index, name in enumerate(shown)]


def _chosen(names: Sequence[str], chosen: Mapping[str, str]) -> dict[int, str]:
    """The user's mapping by index. A column is named by its header, or by its index from 0."""
    wanted = {}
    folded = [name.casefold() for name in names]
    for column, target in chosen.items():
        if column.strip().casefold() in folded:
            index = folded.index(column.strip().casefold())
        elif column.strip().isascii() and column.strip().isdigit() and int(column) < len(names):
            index = int(column)
        else:
            known = ", ".join(name[:40] for name in names[:20])
            raise ListError(f"There is no column {column[:40]!r}.", code="unknown_column", remedy=f"The columns are: {known}.")
        key = IGNORE if target.strip().lower() == IGNORE else target.strip().upper()
        if key not in (*TARGETS, IGNORE):
            raise ListError(
                f"{target[:40]!r} is no key.", code="unknown_key", remedy=f"Use one of {', '.join(TARGETS)}, {IGNORE}."
            )
        wanted[index] = key
    return wanted


def _by_choice(key: str, content: Content) -> _Guess:
    if key == IGNORE:
        return _Guess(None, "ignored", "You said so.")
    if key in UNHASHED:
        return _Guess(None, "ignored", f"A Messenger upload never contains {key}.")
    return _Guess(key, "used", "You said so.", rank=-1, hashed=content.hashed and key in tuple(Key))


def _guess(header: str | None, content: Content) -> _Guess:
    """What a column is by its header, else by its content."""
    named = find_named(header) if header else None
    if named is not None:
        return _by_header(named, content)
    if content.filled == 0:
        return _Guess(None, "ignored", "The first rows leave it empty.")
    if header and refuses_value(header):
        return _Guess(None, "ignored", "Its header says it is about something else.")
    hinted = find_hinted(header) if header else None
    if hinted is not None:
        share = content.share(hinted.key)
        sure = share >= 0.3
        reason = f"Its header hints at it, and {share:.0%} of the first rows hold one."
        return _Guess(hinted.key, "used" if sure else "unsure", reason, hinted.rank, content.hashed)
    return _by_content(content, headed=bool(header))


def _by_header(named: Named, content: Content) -> _Guess:
    key = named.key
    if key in UNHASHED:
        return _Guess(None, "ignored", f"A Messenger upload never contains {key}.")
    hashed = named.hashed or content.hashed
    if hashed:
        return _Guess(key, "used", "Its header says so, and it holds SHA-256 digests.", named.rank, hashed=key in tuple(Key))
    other = Key.PHONE if key == Key.EMAIL else Key.EMAIL
    if key in IDENTIFIERS and content.best() == (other, True) and content.share(other) >= 0.8:
        return _Guess(other, "used", f"Its header says {key}, but it holds {other} values.", named.rank)
    if key in _CHECKED and content.filled >= ENOUGH_TO_DOUBT and (share := content.share(key)) < 0.34:
        return _Guess(key, "unsure", f"Its header says so, but only {share:.0%} of the first rows hold such a value.", named.rank)
    if key == Key.GEN and content.in_spanish:
        return _Guess(key, "unsure", "It holds H and M: M may mean mujer or man.", named.rank)
    return _Guess(key, "used", "Its header says so.", named.rank)


def _by_content(content: Content, *, headed: bool) -> _Guess:
    best, safe = content.best()
    if best is None:
        return _Guess(None, "ignored", "Neither header nor content tell what it is.")
    if safe:
        return _Guess(best, "used", f"{content.share(best):.0%} of the first rows hold such a value.", rank=2_000)
    what = "Its header does not say" if headed else "There is no header to say"
    return _Guess(best, "unsure", f"It may be {best}, but {what.lower()} so. Map it yourself if it is.", rank=2_000)


def _settle(guesses: list[_Guess], columns: Sequence[Sequence[str]]) -> None:
    """What only the columns together tell: whose name `Name` is, and which of several columns serve."""
    used = {guess.key for guess in guesses if guess.certainty == "used"}
    for index, guess in enumerate(guesses):
        if guess.certainty == "ignored" or guess.rank < 0:
            continue
        if guess.key == FULL_NAME and Key.LN in used:
            guesses[index] = _Guess(None, "ignored", "First and last name have columns of their own.")
        elif guess.key == FULL_NAME and Key.FN in used:
            guesses[index] = replace(guess, key=Key.LN, certainty="used", reason="Beside a first name, it is the last name.")
        elif guess.key == Key.FN and not used & {Key.LN, FULL_NAME} and _mostly_two_words(columns[index]):
            guesses[index] = replace(guess, key=FULL_NAME, reason="It holds first and last name, and nothing else does.")
        elif guess.key == DOB and {Key.DOBY, Key.DOBM, Key.DOBD} <= used:
            guesses[index] = replace(
                guess, key=None, certainty="ignored", reason="Year, month and day have columns of their own."
            )


def _mostly_two_words(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and sum(len(cell.split()) >= 2 for cell in filled) >= 0.6 * len(filled)
