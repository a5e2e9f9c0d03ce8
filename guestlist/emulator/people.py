"""Who the people are: names, phone numbers and settings, and how a phone number finds one of them (fact page 6, 9)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from .crowd import Crowd, Person

FIRST_NAMES = ("Ana", "Bruno", "Chloé", "Dmitri", "Esra", "Farid", "Grace", "Hiro", "Ines", "Jonas", "Khadija", "Lưu")
LAST_NAMES = ("Adler", "Brown", "Çelik", "Diaz", "Evans", "Ferrari", "García", "Huang", "Ivanova", "Jensen", "Kim", "Nguyễn")
LOCALES = ("en_US", "de_DE", "es_ES", "fr_FR", "pt_BR", "vi_VN")
TIMEZONES = (-8.0, -5.0, 0.0, 1.0, 5.5, 7.0)
GENDERS = ("female", "male")
DIGITS = re.compile(r"[0-9]{7,15}")
PUNCTUATION = re.compile(r"[\s().+/-]")


@dataclass(slots=True)
class Profile:
    """One person. `by_hand`: does nothing by themselves; whoever runs the emulator acts for them. `role`: works on the app and
    the Page, and so is matched before either is open to the public."""

    first_name: str
    last_name: str
    locale: str
    timezone: float
    gender: str
    phone: str = ""
    by_hand: bool = False
    role: bool = False


def phone_digits(text: str) -> str | None:
    """The digits of a number with its country code, however it is punctuated; None where there is no such number."""
    bare = PUNCTUATION.sub("", text)
    return bare if DIGITS.fullmatch(bare) else None


class People:
    """The crowd with names. A phone number finds the person behind its digest, the same that an upload finds."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._profiles: dict[bytes, Profile] = {}

    def find_by_phone(self, digits: str) -> Person | None:
        """Whoever has this number on their profile."""
        person = self._crowd.meet([_digest(digits)])
        return person if person is not None and person.exists else None

    def profile(self, person: Person) -> Profile:
        """Everybody has one; those of the crowd follow from the seed."""
        for digest in person.digests:
            if digest in self._profiles:
                return self._profiles[digest]
        number = self._crowd.number(person, "profile")
        return Profile(
            FIRST_NAMES[number % len(FIRST_NAMES)],
            LAST_NAMES[number // 16 % len(LAST_NAMES)],
            LOCALES[number // 256 % len(LOCALES)],
            TIMEZONES[number // 4096 % len(TIMEZONES)],
            GENDERS[number // 65536 % len(GENDERS)],
        )

    def add(self, *, name: str, first_name: str | None, last_name: str | None, phone: str, role: bool) -> Person:
        """A person played by hand: the one behind `phone`, who from now on exists, or somebody without a number."""
        person = self._crowd.create(_digest(phone or f"by hand: {name}"))
        profile = self.profile(person)
        profile.first_name = profile.first_name if first_name is None else first_name
        profile.last_name = profile.last_name if last_name is None else last_name
        profile.phone, profile.by_hand, profile.role = phone, True, role
        self._profiles[person.key] = profile
        return person


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
