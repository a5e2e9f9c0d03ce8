"""Profiles asked for by their fields: the query that Comapi's SDK documents as `mongo-querystring` (2.6).

name=Ada  name=!Ada  age=>30  age=>=30  age=<30  age=<=30  name=^A (begins)  name=$a (ends)  name=~d (holds)
name= (is there)  name=! (is not)  name[]=a&name[]=b (one of)  name[]=!a (none of); with dots: facebook.locale=en_GB
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guestlist.api.addresses import phone_digits
from guestlist.domain.contacts import check_fields
from guestlist.storage.contact_queries import Wanted

from .errors import Failure, ValidationError, fail

MOST, USUAL = 1000, 100
WITHOUT_EFFECT = ("$includeDeleted", "$includeDevices", "$includeSessions")
"""What this server has none of to include: deleted profiles are emptied, devices and sessions are no part of a profile."""

_PLAIN = {"id": "external_id", "firstName": "first_name", "lastName": "last_name"}
_ADDRESSES = {"phoneNumber": "phone", "email": "email", "fbMessengerId": "psid"}
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a field, dots leading inward."""

    name: str
    operator: str  # "" (equal) ! > >= < <= ^ $ ~ in nin has hasnt
    values: tuple[str, ...] = field(repr=False)


@dataclass(slots=True)
class Query:
    """What is asked for."""

    conditions: list[Condition] = field(default_factory=list)
    fields: tuple[str, ...] = ()
    limit: int = USUAL
    skip: int = 0
    system: bool = True


def read_query(pairs: Sequence[tuple[str, str]]) -> Query:
    """The query of `GET /profiles`. Errors: ValidationError."""
    query, failures = Query(), list[Failure]()
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        if name.startswith("$"):
            _read_option(query, name, value, failures)
        elif name.endswith("[]"):
            lists.setdefault(name[:-2], []).append(value)
        elif name == "includeDeleted":
            continue
        else:
            query.conditions.append(_read_condition(name, value))
    for name, values in lists.items():
        refused = values[0].startswith("!")
        query.conditions.append(Condition(name, "nin" if refused else "in", tuple(each.removeprefix("!") for each in values)))
    if failures:
        raise ValidationError(failures)
    return query


def _read_option(query: Query, name: str, value: str, failures: list[Failure]) -> None:
    if name == "$limit":
        query.limit = _read_number(name, value, range(1, MOST + 1), failures)
    elif name == "$skip":
        query.skip = _read_number(name, value, range(1_000_000), failures)
    elif name == "$fields":
        query.fields = tuple(filter(None, (each.strip() for each in value.split(","))))
    elif name == "$includeSystem":
        query.system = value != "false"
    elif name not in WITHOUT_EFFECT:
        failures.append(fail(name[:50], "is not known here"))


def _read_number(name: str, value: str, bounds: range, failures: list[Failure]) -> int:
    if value.isascii() and value.isdigit() and int(value[:12]) in bounds:
        return int(value)
    failures.append(fail(name, f"must be {bounds.start} to {bounds.stop - 1:,}"))
    return bounds.start


def _read_condition(name: str, value: str) -> Condition:
    if value in ("", "!"):
        return Condition(name, "hasnt" if value else "has", ())
    for operator in (">=", "<=", ">", "<", "!", "^", "$", "~"):
        if value.startswith(operator):
            return Condition(name, operator, (value[len(operator) :],))
    return Condition(name, "", (value,))


# -- what the database can find ----------------------------------------------------------------------------------------


def build_wanted(conditions: Iterable[Condition]) -> tuple[Wanted, list[Condition]]:
    """What the database looks for, and the conditions that are left to judge."""
    plain: dict[str, str] = {}
    addressed: dict[str, str] = {}
    fields: dict[str, str] = {}
    left: list[Condition] = []
    for each in conditions:
        value = each.values[0] if each.operator == "" else ""
        if value and each.name in _PLAIN and each.name != "id":
            plain[_PLAIN[each.name]] = value
        elif value and each.name in _ADDRESSES:
            addressed[_ADDRESSES[each.name]] = _plain_phone(value) if each.name == "phoneNumber" else value
        elif value and each.name != "id" and _is_field(each.name) and _is_text(value):
            fields[each.name] = value
        else:
            left.append(each)
    wanted = Wanted(
        plain=plain,
        fields=fields,
        phone=addressed.get("phone", ""),
        email=addressed.get("email", ""),
        psid=addressed.get("psid", ""),
    )
    return wanted, left


def _plain_phone(value: str) -> str:
    try:
        return phone_digits(value)
    except ValueError:
        return value


def _is_field(name: str) -> bool:
    """Whether a name is that of a field of the business's own, which the database can look up."""
    try:
        check_fields({name: ""})
    except ValueError:
        return False
    return "." not in name


def _is_text(value: str) -> bool:
    """Whether a value in a query can only be a text, no number, truth or null."""
    return value not in _WORDS and _number(value) is None


# -- what is judged here -----------------------------------------------------------------------------------------------


def fits(profile: Mapping[str, Any], conditions: Iterable[Condition]) -> bool:
    """Whether a profile, as it is told, meets all conditions."""
    return all(_meets(_find(profile, each.name), each) for each in conditions)


def _find(profile: Mapping[str, Any], name: str) -> Any:
    value: Any = profile
    for step in name.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _meets(value: Any, condition: Condition) -> bool:
    match condition.operator:
        case "has":
            return value is not None
        case "hasnt":
            return value is None
        case "in":
            return any(_same(value, each) for each in condition.values)
        case "nin":
            return not any(_same(value, each) for each in condition.values)
    return _COMPARISONS[condition.operator](value, condition.values[0])


def _same(value: Any, wanted: str) -> bool:
    if isinstance(value, bool) or value is None:
        return wanted in _WORDS and _WORDS[wanted] is value
    number = _number(wanted)
    return str(value) == wanted or (isinstance(value, int | float) and number == value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _compare(judge: Callable[[Any, Any], bool]) -> Callable[[Any, str], bool]:
    def compared(value: Any, wanted: str) -> bool:
        if isinstance(value, str):
            return judge(value, wanted)
        number = _number(wanted)
        return isinstance(value, int | float) and number is not None and judge(value, number)

    return compared


def _of_text(judge: Callable[[str, str], bool]) -> Callable[[Any, str], bool]:
    return lambda value, wanted: isinstance(value, str) and judge(value, wanted)


_COMPARISONS: Mapping[str, Callable[[Any, str], bool]] = {
    "": _same,
    "!": lambda value, wanted: not _same(value, wanted),
    ">": _compare(lambda value, wanted: bool(value > wanted)),
    ">=": _compare(lambda value, wanted: bool(value >= wanted)),
    "<": _compare(lambda value, wanted: bool(value < wanted)),
    "<=": _compare(lambda value, wanted: bool(value <= wanted)),
    "^": _of_text(str.startswith),
    "$": _of_text(str.endswith),
    "~": _of_text(str.__contains__),
}
