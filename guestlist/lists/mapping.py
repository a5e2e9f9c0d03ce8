"""Columns to keys: as the user said, for this file or for one with the same header; else by what their header says; else by
what they hold.

Only what is sure is used. A column that might be a key is shown as unsure and left out of the upload, because a wrong
value with a right-looking name costs matches silently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from guestlist.errors import ListError

from .base import UNHASHED, Key, MappedColumn, SavedMapping
from .choices import merge_choices, read_choices
from .content import Content, looks_like_data
from .headers import DOB, FULL_NAME, IGNORE, Named, find_fingerprint, find_hinted, find_named, refuses_value
from .names import NameOrder

IDENTIFIERS = (Key.EMAIL, Key.PHONE)

ENOUGH_TO_DOUBT = 10
"""Filled cells from which content may overrule a header."""

NOUNS: Mapping[str, str] = {
    Key.EMAIL: "e-mail addresses",
    Key.PHONE: "phone numbers",
    Key.GEN: "genders",
    Key.DOBY: "birth years",
    Key.DOBM: "birth months",
    Key.DOBD: "days of birth",
    Key.FN: "first names",
    Key.LN: "last names",
    Key.FI: "first initials",
    Key.CT: "cities",
    Key.ST: "states or provinces",
    Key.ZIP: "postal codes",
    Key.COUNTRY: "countries",
    Key.MADID: "advertising ids",
    Key.EXTERN_ID: "ids of your own",
    FULL_NAME: "full names",
    DOB: "dates of birth",
}
"""What a column of a key holds, in words."""

_PARTS_OF_BIRTH = frozenset({Key.DOBY, Key.DOBM, Key.DOBD})
_CHECKED = _PARTS_OF_BIRTH | {Key.GEN, Key.FN, Key.LN, Key.CT, Key.ST, Key.ZIP, Key.COUNTRY, DOB, FULL_NAME}
"""Keys whose header alone is not trusted: less than a third of sound values makes the column unsure."""

_ONE_COLUMN = frozenset({FULL_NAME, DOB})
"""Of these only the best column is read."""


@dataclass(frozen=True, slots=True)
class _Guess:
    """A column's mapping on its own, before the columns are seen together."""

    key: str | None
    certainty: str
    reason: str
    rank: int = 0
    hashed: bool = False
    order: NameOrder = NameOrder.GIVEN_FIRST


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """The mapping of every column in file order, and for each key the indexes of the columns that serve it, best first.

    `chosen` is what was said of columns, by index, now or for an earlier file (`saved` tells the day); `order` is how
    the column of full names writes them.
    """

    columns: list[MappedColumn]
    serving: Mapping[str, tuple[int, ...]]
    fingerprint: str = ""
    chosen: Mapping[int, str] = field(default_factory=dict)
    source: str = "found"  # "found" | "chosen" | "saved"
    saved: str = ""
    order: NameOrder = NameOrder.GIVEN_FIRST


def map_columns(
    header: Sequence[str] | None,
    columns: Sequence[Sequence[str]],
    region: str,
    chosen: Mapping[str, str] | None = None,
    *,
    find_saved: Callable[[str], SavedMapping | None] | None = None,
) -> ColumnPlan:
    """What each column is used for. `columns` holds sample cells, column by column.

    Errors: ListError `unknown_column`, `unknown_key`, `column_mapped_twice`, `key_mapped_twice`, `no_usable_column`.
    """
    names = _names(header, len(columns))
    said = read_choices(names, chosen or {})
    fingerprint = "" if header is None or any(map(looks_like_data, header)) else find_fingerprint(header)
    earlier = find_saved(fingerprint) if find_saved and fingerprint else None
    wanted = merge_choices(earlier.columns, said, len(names)) if earlier else said
    day = earlier.since if earlier and wanted != said else ""
    contents = [Content(cells, region) for cells in columns]
    guesses = []
    for index, content in enumerate(contents):
        if index in wanted:
            guesses.append(_by_choice(wanted[index], content, "" if index in said else day))
        else:
            guesses.append(_guess(header[index] if header else None, content))
    _settle(guesses, names, contents)
    serving = _serving(guesses)
    if not serving.keys() & set(IDENTIFIERS):
        raise _no_identifier(names, guesses, contents)
    mapped = [_describe(index, name, guess, serving) for index, (name, guess) in enumerate(zip(names, guesses, strict=True))]
    return ColumnPlan(
        mapped,
        serving,
        fingerprint=fingerprint,
        chosen=wanted,
        source="chosen" if said else "saved" if wanted else "found",
        saved=day,
        order=guesses[serving[FULL_NAME][0]].order if FULL_NAME in serving else NameOrder.GIVEN_FIRST,
    )


def _describe(index: int, name: str, guess: _Guess, serving: Mapping[str, tuple[int, ...]]) -> MappedColumn:
    reason = guess.reason + _turn(index, guess.key, serving)
    return MappedColumn(index, name, str(guess.key) if guess.key else None, guess.certainty, reason, guess.hashed)


def _serving(guesses: Sequence[_Guess]) -> dict[str, tuple[int, ...]]:
    """The used columns by key: best rank first, in file order among equals."""
    used = [(guess.rank, index, guess.key) for index, guess in enumerate(guesses) if guess.key and guess.certainty == "used"]
    serving: dict[str, tuple[int, ...]] = {}
    for _, index, key in sorted(used):
        serving[key] = (*serving.get(key, ()), index)
    return serving


def _turn(index: int, key: str | None, serving: Mapping[str, tuple[int, ...]]) -> str:
    """Where several columns serve one key, each says when its turn comes."""
    rivals = serving.get(key or "", ())
    if len(rivals) < 2 or index not in rivals:
        return ""
    without = "none, or one that is not mobile" if key == Key.PHONE else "none that can be used"
    if index == rivals[0]:
        others = f"{len(rivals) - 1} more such column{'s are' if len(rivals) > 2 else ' is'}"
        return f" It comes first; {others} read only where it has {without}."
    return f" Number {rivals.index(index) + 1} of {len(rivals)} such columns: read only where those before it have {without}."


def _no_identifier(names: Sequence[str], guesses: Sequence[_Guess], contents: Sequence[Content]) -> ListError:
    maybe = next((index for index, guess in enumerate(guesses) if guess.key in IDENTIFIERS), 0)
    key = guesses[maybe].key if guesses[maybe].key in IDENTIFIERS else Key.EMAIL
    return ListError(
        "No column holds e-mail addresses or phone numbers.",
        code="no_usable_column",
        remedy=next((content.useless for content in contents if content.useless), "")
        or f"Check the encoding and the delimiter, or name the column with --map, such as --map '{names[maybe][:40]}={key}'.",
        columns=[name[:60] for name in names[:50]],
    )


def _names(header: Sequence[str] | None, width: int) -> list[str]:
    """The columns' names as reports show them: printable, not endless, `column 3` where the header has none."""
    shown = ["".join(char if char.isprintable() else " " for char in name).strip()[:100] for name in header or [""] * width]
    return [name or f"column {index + 1}" for index, name in enumerate(shown)]


def _by_choice(key: str, content: Content, day: str) -> _Guess:
    said = f"You said so on {day}, for a file with the same header." if day else "You said so."
    if key == IGNORE:
        return _Guess(None, "ignored", said)
    if key in UNHASHED:
        return _Guess(None, "ignored", f"You said {key}, which a Messenger upload never contains.")
    if content.hashed:
        return _Guess(key, "used", said, rank=-1, hashed=key in tuple(Key))
    if content.filled >= ENOUGH_TO_DOUBT and (share := content.share(key)) < 0.34:
        said += f" Only {share:.0%} of the first rows hold {NOUNS[key]}, though."
    return _Guess(key, "used", said, rank=-1)


def _guess(header: str | None, content: Content) -> _Guess:
    """What a column is by its header, else by its content."""
    named = find_named(header) if header else None
    if named is not None:
        return _by_header(named, content)
    if content.useless:
        return _Guess(None, "ignored", content.useless)
    if content.filled == 0:
        return _Guess(None, "ignored", "The first rows leave it empty.")
    if header and refuses_value(header):
        return _Guess(None, "ignored", "By its header it holds something else than an address or number of the person.")
    hinted = find_hinted(header) if header else None
    if hinted is not None:
        share = content.share(hinted.key)
        sure = share >= 0.3 or content.hashed
        reason = f"Its header hints at {NOUNS[hinted.key]}, and {share:.0%} of the first rows hold such a value."
        if not sure:
            reason = f"Its header hints at {NOUNS[hinted.key]}, but only {share:.0%} of the first rows hold such a value."
        certainty = "used" if sure else "unsure"
        return _Guess(hinted.key, certainty, reason, hinted.rank, content.hashed, hinted.order)
    return _by_content(content, headed=bool(header))


def _by_header(named: Named, content: Content) -> _Guess:
    key, noun = named.key, NOUNS[named.key]
    if key in UNHASHED:
        return _Guess(None, "ignored", f"Its header says {noun}; a Messenger upload never contains {key}.")
    if content.useless:
        return _Guess(None, "ignored", f"Its header says {noun}. {content.useless}")
    if named.hashed or content.hashed:
        reason = f"Its header says {noun}, and it holds SHA-256 digests of them."
        return _Guess(key, "used", reason, named.rank, hashed=key in tuple(Key))
    other = Key.EMAIL if key == Key.PHONE else Key.PHONE
    if key in (*IDENTIFIERS, Key.ZIP) and content.best() == (other, True) and content.share(other) >= 0.8:
        return _Guess(other, "used", f"Its header says {noun}, but it holds {NOUNS[other]}.", named.rank)
    if key in _CHECKED and content.filled >= ENOUGH_TO_DOUBT and (share := content.share(key)) < 0.34:
        if instead := _birth_instead(key, content):
            return _Guess(instead, "used", f"Its header says {noun}, but it holds {NOUNS[instead]}.", named.rank)
        reason = f"Its header says {noun}, but only {share:.0%} of the first rows hold such a value."
        return _Guess(key, "unsure", reason, named.rank)
    if key == Key.GEN and content.in_spanish:
        return _Guess(key, "unsure", "It holds H and M: M may mean mujer or man.", named.rank)
    return _Guess(key, "used", f"Its header says {noun}.", named.rank, order=named.order)


def _birth_instead(key: str, content: Content) -> str | None:
    """`Birth day` may hold whole dates, and `Birthday` years alone."""
    if key in _PARTS_OF_BIRTH and content.share(DOB) >= 0.6:
        return DOB
    return Key.DOBY if key == DOB and content.share(Key.DOBY) >= 0.6 else None


def _by_content(content: Content, *, headed: bool) -> _Guess:
    best, safe = content.best()
    if content.hashed:
        what = "its header does not say of what" if headed else "there is no header to say of what"
        return _Guess(None, "ignored", f"It holds SHA-256 digests, but {what}. Map it yourself.")
    if best is None:
        return _Guess(None, "ignored", "Neither header nor content tell what it is.")
    if safe:
        return _Guess(best, "used", f"{content.share(best):.0%} of the first rows hold {NOUNS[best]}.", rank=2_000)
    what = "its header does not say so" if headed else "there is no header to say so"
    return _Guess(best, "unsure", f"It may hold {NOUNS[best]}, but {what}. Map it yourself if it does.", rank=2_000)


def _settle(guesses: list[_Guess], names: Sequence[str], contents: Sequence[Content]) -> None:
    """What only the columns together tell: whose name `Name` is, and which of several columns serve."""
    for index, guess in enumerate(guesses):
        if guess.certainty != "ignored" and guess.rank >= 0:
            guesses[index] = _settle_name(guess, {each.key for each in guesses if each.certainty == "used"}, contents[index])
    used = {guess.key for guess in guesses if guess.certainty == "used"}
    first = {key: indexes[0] for key, indexes in _serving(guesses).items()}
    for index, guess in enumerate(guesses):
        if guess.certainty != "used" or guess.key not in _ONE_COLUMN:
            continue
        if guess.rank >= 0 and guess.key == DOB and used >= _PARTS_OF_BIRTH:
            guesses[index] = _Guess(None, "ignored", "Year, month and day have columns of their own.")
        elif index != first[guess.key]:
            reason = f"{NOUNS[guess.key].capitalize()} are read from “{names[first[guess.key]][:40]}”; one column is enough."
            guesses[index] = _Guess(None, "ignored", reason)


def _settle_name(guess: _Guess, used: set[str | None], content: Content) -> _Guess:
    """`Name` beside a first name is the last name, and the other way round; `Nombre` alone may hold both."""
    if guess.key == Key.FN and not used & {Key.LN, FULL_NAME} and content.in_two_words:
        return replace(guess, key=FULL_NAME, reason="It holds first and last name, and nothing else does.")
    if guess.key != FULL_NAME or (content.filled and content.share(Key.FN) < 0.34):
        return guess
    if {Key.FN, Key.LN} <= used:
        return _Guess(None, "ignored", "First and last name have columns of their own.")
    if Key.FN in used:
        return replace(guess, key=Key.LN, certainty="used", reason="Beside a column of first names, it holds the last names.")
    if Key.LN in used and not content.in_two_words:
        return replace(guess, key=Key.FN, certainty="used", reason="Beside a column of last names, it holds the first names.")
    return guess
