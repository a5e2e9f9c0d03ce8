"""Meta's message tags as dated data: which is live when, and what took its place. Days are UTC.

Source: fact page 7.4 and 12, vendor page 3.3, read 2026-11. A day that no source names is None. A message of a person's own
writing and a feedback survey are what the two live ones are for; everything else goes as a utility template.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

WEEK = timedelta(days=7)
"""How long after the person's last act a live tag opens the way."""

OLD_TAGS_OFF = date(2020, 3, 4)
UPDATE_TAGS_OFF = date(2026, 4, 27)


class Needs(StrEnum):
    """What a message must be to go under a tag."""

    NOTHING = ""
    PERSON = "person"  # written by a human agent
    FEEDBACK = "feedback"  # the customer feedback template


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag. `until` is the first day on which Meta refuses it; `became` is the tag or messaging type that took its place."""

    name: str
    since: date | None = None
    until: date | None = None
    became: str = ""
    within: timedelta | None = None  # of the person's last act; None: at any time
    needs: Needs = Needs.NOTHING

    def is_live(self, day: date) -> bool:
        """Whether Meta takes it on that day."""
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)


def _old(name: str, became: str = "") -> Tag:
    return Tag(name, until=OLD_TAGS_OFF, became=became)


TABLE: tuple[Tag, ...] = (
    Tag("HUMAN_AGENT", within=WEEK, needs=Needs.PERSON),
    Tag("CUSTOMER_FEEDBACK", within=WEEK, needs=Needs.FEEDBACK),
    Tag("ACCOUNT_UPDATE", until=UPDATE_TAGS_OFF, became="UTILITY"),
    Tag("CONFIRMED_EVENT_UPDATE", until=UPDATE_TAGS_OFF, became="UTILITY"),
    Tag("POST_PURCHASE_UPDATE", until=UPDATE_TAGS_OFF, became="UTILITY"),
    _old("APPLICATION_UPDATE", "ACCOUNT_UPDATE"),
    _old("APPOINTMENT_UPDATE", "CONFIRMED_EVENT_UPDATE"),
    _old("CONFIRMED_EVENT_REMINDER", "CONFIRMED_EVENT_UPDATE"),
    _old("ISSUE_RESOLUTION", "ACCOUNT_UPDATE"),
    _old("PAYMENT_UPDATE", "POST_PURCHASE_UPDATE"),
    _old("PERSONAL_FINANCE_UPDATE", "ACCOUNT_UPDATE"),
    _old("RESERVATION_UPDATE", "POST_PURCHASE_UPDATE"),
    _old("SHIPPING_UPDATE", "POST_PURCHASE_UPDATE"),
    _old("TICKET_UPDATE", "CONFIRMED_EVENT_UPDATE"),
    _old("TRANSPORTATION_UPDATE", "CONFIRMED_EVENT_UPDATE"),
    _old("NON_PROMOTIONAL_SUBSCRIPTION"),
)

_BY_NAME = {tag.name: tag for tag in TABLE}


def find_tag(name: str) -> Tag | None:
    """The tag of this name, written in either case; None for one that never was."""
    return _BY_NAME.get(name.strip().upper())


def translate_tag(tag: Tag, day: date) -> Tag:
    """The tag to send on that day in the place of one given: itself while it is live, else the one that took its place.

    Where that one is withdrawn too the tag stays what it was: a translation never yields a withdrawn tag.
    """
    successor = _BY_NAME.get(tag.became)
    if tag.is_live(day) or successor is None or not successor.is_live(day):
        return tag
    return successor
