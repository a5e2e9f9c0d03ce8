"""Words that mean stop, help and start when they are a whole message, in twenty languages.

Carriers and the CTIA's messaging principles name the English ones; the others are what people write. A word must be the whole
message: "stop by tomorrow" is no stop. Case, accents, signs around it and doubled spaces do not matter.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from enum import StrEnum


class Word(StrEnum):
    """What a keyword asks for."""

    STOP = "stop"
    HELP = "help"
    START = "start"


STOP: Mapping[str, tuple[str, ...]] = {
    "en": (
        *("stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "opt out"),
        *("remove me", "stop it"),
    ),
    "de": ("stopp", "abmelden", "abbestellen", "austragen", "keine sms", "keine nachrichten", "ende"),
    "fr": ("arret", "arreter", "desabonner", "me desabonner", "desinscrire", "desinscription", "stop sms", "stop pub"),
    "es": ("parar", "alto", "cancelar", "baja", "dar de baja", "darme de baja", "no mas"),
    "pt": ("pare", "sair", "remover", "cancelar inscricao", "descadastrar"),
    "it": ("ferma", "basta", "annulla", "cancellami", "disiscrivi", "disiscrivimi"),
    "nl": ("stoppen", "afmelden", "uitschrijven", "opzeggen"),
    "da": ("afmeld", "frameld", "afmelding"),
    "sv": ("stoppa", "avsluta", "avregistrera", "avanmal"),
    "no": ("avslutt", "meld av", "avmeld"),
    "fi": ("lopeta", "peruuta", "peru", "poista"),
    "pl": ("zatrzymaj", "wypisz", "wypisz mnie", "rezygnuje", "koniec"),
    "cs": ("odhlasit", "zrusit", "konec", "prestante"),
    "hu": ("leallit", "leiratkozas", "leiratkozom", "vege"),
    "ro": ("opreste", "dezabonare", "renunt", "anuleaza"),
    "tr": ("dur", "iptal", "ret", "abonelikten cik", "red"),
    "el": ("διακοπη", "σταματα", "ακυρωση", "απεγγραφη", "τελος"),
    "ru": ("стоп", "отписаться", "отписка", "отмена", "отказ", "хватит"),
    "vi": ("dung", "dung lai", "huy", "ngung", "tu choi"),
    "ar": ("توقف", "قف", "ايقاف", "الغاء", "الغاء الاشتراك", "اوقف"),
}

HELP: Mapping[str, tuple[str, ...]] = {
    "en": ("help", "info"),
    "de": ("hilfe",),
    "fr": ("aide",),
    "es": ("ayuda",),
    "pt": ("ajuda",),
    "it": ("aiuto",),
    "nl": ("hulp",),
    "da": ("hjaelp", "hjælp"),
    "sv": ("hjalp",),
    "no": ("hjelp",),
    "fi": ("apua", "ohje"),
    "pl": ("pomoc",),
    "cs": ("napoveda",),
    "hu": ("segitseg", "sugo"),
    "ro": ("ajutor",),
    "tr": ("yardim",),
    "el": ("βοηθεια",),
    "ru": ("помощь", "справка"),
    "vi": ("tro giup", "giup"),
    "ar": ("مساعدة",),
}

START: Mapping[str, tuple[str, ...]] = {
    "en": ("start", "unstop", "subscribe", "resume", "optin", "opt in"),
    "de": ("anmelden", "starten"),
    "fr": ("demarrer", "reprendre", "abonner", "m'abonner"),
    "es": ("iniciar", "empezar", "alta", "suscribir", "suscribirme"),
    "pt": ("iniciar", "comecar", "inscrever"),
    "it": ("inizia", "iscrivi", "iscrivimi"),
    "nl": ("aanmelden", "inschrijven"),
    "da": ("tilmeld",),
    "sv": ("starta", "anmal"),
    "no": ("meld pa", "pamelding"),
    "fi": ("aloita", "tilaa"),
    "pl": ("wznow", "zapisz", "zapisz mnie"),
    "cs": ("prihlasit", "zacit"),
    "hu": ("inditas", "feliratkozas", "feliratkozom"),
    "ro": ("porneste", "abonare", "incepe"),
    "tr": ("basla", "baslat", "onay", "abone ol"),
    "el": ("εναρξη", "εγγραφη"),
    "ru": ("старт", "подписаться", "начать", "возобновить"),
    "vi": ("bat dau", "dang ky"),
    "ar": ("ابدا", "اشتراك", "استئناف"),
}

_LONGEST = 40
_PLAIN = str.maketrans({"ı": "i", "ł": "l", "đ": "d", "ø": "o", "æ": "ae", "ß": "ss", "ς": "σ", "’": "'"})
"""What Unicode's tables do not take apart, but people leave out."""


def fold(text: str) -> str:
    """A message as it is compared: no case, no accents, no signs before or after its words, single spaces."""
    parts = unicodedata.normalize("NFKD", text.casefold().translate(_PLAIN))
    bare = "".join(each for each in parts if not unicodedata.combining(each)).translate(_PLAIN)
    return " ".join(filter(None, (word.strip(_signs(word)) for word in bare.split())))


def _signs(word: str) -> str:
    return "".join(each for each in word if not each.isalnum())


def _index(*tables: tuple[Word, Mapping[str, tuple[str, ...]]]) -> Mapping[str, tuple[Word, str]]:
    """Each folded word with its meaning and the first language that has it. The first table wins: a stop before all else."""
    found: dict[str, tuple[Word, str]] = {}
    for meaning, table in tables:
        for language, words in table.items():
            for word in words:
                found.setdefault(fold(word), (meaning, language))
    return found


KEYWORDS = _index((Word.STOP, STOP), (Word.HELP, HELP), (Word.START, START))
"""Folded word -> what it asks for, and in which language."""


def find_word(text: str) -> Word | None:
    """What a whole message asks for; None for one that says something else."""
    if len(text) > _LONGEST:
        return None
    found = KEYWORDS.get(fold(text))
    return found[0] if found else None
