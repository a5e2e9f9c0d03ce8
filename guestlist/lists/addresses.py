"""What an e-mail address tells beyond being one: a mistyped domain, a mailbox that was closed, a desk rather than a person.

None of it changes an address; the report only says so.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

TYPO, CLOSED, ROLE = "typo_domain", "closed_domain", "role_address"

_PROVIDERS = """
    gmail.com googlemail.com yahoo.com yahoo.co.uk yahoo.fr yahoo.de yahoo.es yahoo.it yahoo.ca yahoo.co.in
    yahoo.co.jp yahoo.com.br yahoo.com.au yahoo.com.mx ymail.com rocketmail.com hotmail.com hotmail.co.uk hotmail.fr
    hotmail.de hotmail.es hotmail.it hotmail.ca outlook.com outlook.fr outlook.de outlook.es live.com live.co.uk
    live.fr live.nl msn.com icloud.com me.com mac.com aol.com aol.co.uk mail.com email.com gmx.com gmx.net gmx.de
    gmx.at gmx.ch web.de t-online.de freenet.de orange.fr wanadoo.fr free.fr sfr.fr laposte.net libero.it virgilio.it
    tiscali.it btinternet.com sky.com virginmedia.com comcast.net verizon.net att.net sbcglobal.net bellsouth.net
    cox.net charter.net shaw.ca rogers.com sympatico.ca bigpond.com optusnet.com.au uol.com.br bol.com.br terra.com.br
    mail.ru yandex.ru yandex.com bk.ru list.ru inbox.ru wp.pl o2.pl onet.pl interia.pl seznam.cz ziggo.nl kpnmail.nl
    hetnet.nl telenet.be skynet.be bluewin.ch naver.com daum.net qq.com 163.com 126.com proton.me protonmail.com
    zoho.com fastmail.com
"""
PROVIDERS = frozenset(_PROVIDERS.split())
"""The great mailbox providers. Most addresses end here, and what nearly ends so is mistyped."""

_CLOSED_DOMAINS = """
    orange.net orangehome.co.uk wanadoo.co.uk freeserve.co.uk fsbusiness.co.uk fslife.co.uk fsmail.net fsworld.co.uk
    fsnet.co.uk terra.com terra.com.ar mi.terra.cl terra.com.co terra.com.mx terra.com.pe terra.com.ve terra.com.ec
    voila.fr lycos.fr facebook.com wanadoo.es amena.es mixmail.com
"""
CLOSED_DOMAINS = frozenset(_CLOSED_DOMAINS.split())
"""Domains whose mailboxes were closed. People may still log in to Facebook with such an address; few do.

Sources: circleid.com 2017-06-05 and spamresource.com 2017-05 (Orange UK, Terra), universfreebox.com 2016 (Voila),
01net.com 2009 (Lycos), spamresource.com 2016-08 (Facebook), suped.com 2025 (wanadoo.es, amena.es, mixmail.com).
"""

_ROLES = """
    info contact contacts sales office admin administrator support help helpdesk hello enquiries enquiry inquiries
    mail email service customerservice customercare noreply no-reply donotreply do-not-reply postmaster webmaster
    billing accounts accounting invoices finance reception team orders order shop store marketing hr jobs careers
    press media kontakt buero verkauf vertrieb buchhaltung rechnung bestellung kundenservice ventas contacto pedidos
    atencion administracion comercial facturacion commercial direction secretariat accueil comptabilite vendite ordini
    amministrazione informazioni vendas contato atendimento financeiro biuro sekretariat sklep kontor verkoop
    klantenservice administratie bookings reservations reservas booking
"""
ROLES = frozenset(_ROLES.split())
"""Mailboxes of a desk: nobody's profile on Facebook has one."""

_WRONG_ENDINGS = {
    "con": "com",
    "cmo": "com",
    "ocm": "com",
    "vom": "com",
    "xom": "com",
    "coom": "com",
    "comm": "com",
    "nte": "net",
}
_NEIGHBOURS = (
    "mail.com email.com ymail.com gmx.com gmx.net live.com live.nl mac.com me.com gmail.de yahoo.co hotmail.co outlook.co"
)
_SOUND_NEIGHBOURS = frozenset(_NEIGHBOURS.split())
_MIN_LABEL = 5
"""Letters of a name below which one letter's difference is no mistake: web.de, wp.pl."""


class Note(NamedTuple):
    """What is to be said of an address. `domain` and `suggestion` only where it is mistyped; of private domains their ending."""

    code: str
    domain: str = ""
    suggestion: str = ""


def find_note(local: str, domain: str) -> Note | None:
    """What is to be said of a normalised address, or None."""
    return _judge(domain) or (Note(ROLE) if local in ROLES else None)


@lru_cache(maxsize=16_384)
def _judge(domain: str) -> Note | None:
    if domain in CLOSED_DOMAINS:
        return Note(CLOSED)
    suggestion = suggest_domain(domain)
    if not suggestion or suggestion in PROVIDERS:
        return Note(TYPO, domain, suggestion) if suggestion else None
    return Note(TYPO, *(f"….{name.rpartition('.')[2]}" for name in (domain, suggestion)))  # whose it is, is nobody's business


def suggest_domain(domain: str) -> str:
    """The domain that was probably meant, or "": `gmial.com` -> `gmail.com`, `example.con` -> `example.com`.

    A first letter is hardly ever mistyped, and short names have too many neighbours.
    """
    if domain in PROVIDERS or domain in _SOUND_NEIGHBOURS:
        return ""
    name, _, ending = domain.rpartition(".")
    mended = f"{name}.{_WRONG_ENDINGS[ending]}" if ending in _WRONG_ENDINGS else domain
    if mended in PROVIDERS:
        return mended
    near = {provider for shorter in _shorter(mended) for provider in _near().get(shorter, ())}
    found = sorted(provider for provider in near if provider[0] == mended[0] and _one_slip(mended, provider))
    return found[0] if found else mended if mended != domain else ""


def _shorter(text: str) -> set[str]:
    """The text, and the text without each one of its letters."""
    return {text, *(text[:at] + text[at + 1 :] for at in range(len(text)))}


@lru_cache(maxsize=1)
def _near() -> dict[str, tuple[str, ...]]:
    """Providers by themselves with a letter left out: two texts one slip apart share such a form."""
    near: dict[str, tuple[str, ...]] = {}
    for provider in sorted(PROVIDERS):
        if len(provider.partition(".")[0]) >= _MIN_LABEL:
            for shorter in _shorter(provider):
                near[shorter] = (*near.get(shorter, ()), provider)
    return near


def _one_slip(typed: str, meant: str) -> bool:
    """Whether one letter too many, too few, wrong or swapped with its neighbour tells the names apart; their endings agree."""
    if typed.partition(".")[2] != meant.partition(".")[2]:
        return False
    start = next(
        (at for at, (one, other) in enumerate(zip(typed, meant, strict=False)) if one != other), min(len(typed), len(meant))
    )
    left, right = typed[start:], meant[start:]
    return left[1:] == right or left == right[1:] or left[1:] == right[1:] or (left[:2] == right[1::-1] and left[2:] == right[2:])
