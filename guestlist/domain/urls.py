"""Addresses of media and pages that others fetch for us: what no provider could fetch, or should not, is refused at the door.

Meta fetches the URL, not this server; a private host would only fail there, and its name would leak. Names are not looked up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address
from urllib.parse import urlsplit

from .networks import is_open, parse_address

LONGEST = 2083
"""Characters of a URL that every browser and provider takes."""

LOCAL_NAMES = ("localhost", "local", "internal", "localdomain", "home.arpa")
"""Names, and all below them, that mean one's own machine or network."""

_NUMBER = re.compile(r"0x[0-9a-f]{1,8}|0[0-7]{0,11}|[1-9][0-9]{0,9}")


@dataclass(frozen=True, slots=True)
class BadUrl:
    """Why a URL is refused. The sentence does not repeat it: it may hold a secret."""

    code: str  # bad_url | not_https | private_host
    sentence: str


def refuse_url(url: str, *, https: bool = False) -> BadUrl | None:
    """What is wrong with a URL that somebody on the internet is to fetch; None where nothing is. `https`: no other scheme."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port  # an impossible port raises
    except ValueError:
        return BadUrl("bad_url", "This is not a URL.")
    if parts.scheme not in ("http", "https") or not host or len(url) > LONGEST or re.search(r"[\s\x00-\x1f\\]", url):
        return BadUrl("bad_url", f"A URL begins with https:// or http://, names a host and has at most {LONGEST:,} characters.")
    if parts.username is not None or parts.password is not None:
        return BadUrl("bad_url", "A URL that others fetch must not hold a user name or a password.")
    if https and parts.scheme != "https":
        return BadUrl("not_https", "Meta opens only https:// URLs here.")
    if is_private_host(host):
        return BadUrl(
            "private_host", "The host lies in a private network or on one's own machine, where nobody outside can fetch it."
        )
    return None


def is_private_host(host: str) -> bool:
    """Whether a host is, by its literal address or its name alone, one's own machine or in a private network."""
    name = host.rstrip(".").lower()
    if any(name == each or name.endswith(f".{each}") for each in LOCAL_NAMES):
        return True
    address = parse_address(name) or _read_number(name)
    return address is not None and not is_open(address)


def _read_number(name: str) -> IPv4Address | None:
    """An IPv4 address in the short, octal and hexadecimal forms that name resolvers take: 127.1, 0x7f000001."""
    pieces = name.split(".")
    if len(pieces) > 4 or not all(_NUMBER.fullmatch(piece) for piece in pieces):
        return None
    *head, last = (int(piece, 16 if piece[:2] == "0x" else 8 if piece[0] == "0" else 10) for piece in pieces)
    value = sum(number << (24 - 8 * place) for place, number in enumerate(head)) + last
    return IPv4Address(value) if value <= 0xFFFF_FFFF else None
