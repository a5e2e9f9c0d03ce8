"""How many people Meta may match: a range with its grounds, from what Meta states and from what the list holds."""

from __future__ import annotations

from .base import ExpectedMatch, IdentifiersPerRow, PhonesSeen

LOW, HIGH = 20, 70
"""Percent of a list's people that Meta says are usually matched. Source: fact page 1.2."""

HIGH_OF_ONE = 60
"""Percent at best of rows with one identifier: our own caution, for Meta says only that more keys match more."""


def expect_match(
    usable: int, identifiers: IdentifiersPerRow | None = None, phones: PhonesSeen | None = None, weak_emails: int = 0
) -> ExpectedMatch:
    """The range. `weak_emails`: rows whose address is mistyped, closed or a desk's, and so hardly anybody's profile.

    Rows with e-mail and mobile may reach 70 %, those with one of them 60 %; rows with nothing but a weak address or a
    landline 20 % of them at best, and nothing at worst. So the range is Meta's own or a more careful one.
    """
    if identifiers is None:
        return ExpectedMatch(usable * LOW // 100, -(-usable * HIGH // 100), _stated(usable))
    landlines = phones.landline / phones.looked_at if phones and phones.looked_at else 0.0
    mails = identifiers.both + identifiers.email_only
    alone = identifiers.email_only / mails if mails else 0.0
    weak = min(usable, round(weak_emails * alone + landlines * identifiers.phone_only))
    strong = round(identifiers.both * (1 - landlines) * (1 - (weak_emails / mails if mails else 0.0)))
    single = usable - strong - weak
    upper = -(-(strong * HIGH + single * HIGH_OF_ONE + weak * LOW) // 100)
    return ExpectedMatch(
        (usable - weak) * LOW // 100, min(upper, usable), " ".join(_grounds(usable, strong, single, weak, landlines))
    )


def _stated(usable: int) -> str:
    return f"Meta states that {LOW} to {HIGH} % of a list's people are usually matched; these are {usable:,} usable rows."


def _grounds(usable: int, strong: int, single: int, weak: int, landlines: float) -> list[str]:
    grounds = [_stated(usable)]
    if strong == usable:
        return [*grounds, "Every row has both an e-mail and a phone, which is what matches best."]
    if strong:
        grounds.append(f"{strong:,} of them have both a good e-mail and a phone that may be a mobile.")
    if single:
        grounds.append(f"{single:,} have no more than one of the two: of those we count on {HIGH_OF_ONE} % at best.")
    if landlines >= 0.2:
        grounds.append(f"{100 * landlines:.0f} % of the phones are landlines, which few profiles hold.")
    if weak:
        grounds.append(f"{weak:,} have nothing but a mistyped, closed or shared address or a landline: of those {LOW} % at best.")
    return grounds
