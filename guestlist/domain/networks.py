"""Which addresses of the internet a URL from outside may make us connect to. Source: IANA registries, read 2026-11."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

LONGEST_URL = 2048

CLOSED_4 = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' NAT; Alibaba's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host, public by its number only
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays, retired
        "192.168.0.0/16",
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
OPEN_6 = ip_network("2000::/3")
"""The only IPv6 space that is given out; everything else is ours, local, multicast or reserved."""
CLOSED_6 = tuple(
    ip_network(each)
    for each in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks, AMT
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address in disguise, its relays are retired
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
NAT64 = ip_network("64:ff9b::/96")
"""An IPv4 address as hosts without IPv4 see it: judged as what it stands for."""


def is_open(address: Address, allowed: Sequence[Network] = ()) -> bool:
    """Whether we may connect to this address: one of the public internet, or in a network the operator allows."""
    forms = [address]
    if isinstance(address, IPv6Address) and (inside := _inside(address)) is not None:
        forms.append(inside)
    if any(form in network for form in forms for network in allowed if form.version == network.version):
        return True
    return _is_public(forms[-1])


def _inside(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else None


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in CLOSED_4)
    return address in OPEN_6 and not any(address in network for network in CLOSED_6)


def parse_address(text: str) -> Address | None:
    """The address in a text, its zone left out; None where it is no address."""
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None


def check_url(url: str, allowed: Sequence[Network] = ()) -> None:
    """Whether a URL from outside can be one of a server. Names are judged when they are looked up, at each connection.

    Errors: ValueError with what is wrong, PrivateAddressError where it names an address we never connect to.
    """
    if len(url) > LONGEST_URL:
        raise ValueError(f"must have at most {LONGEST_URL:,} characters")
    if any(ord(character) <= 32 or ord(character) == 127 or 0xD800 <= ord(character) < 0xE000 for character in url):
        raise ValueError("must hold no spaces, control characters or half characters")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("must be a whole web address, such as https://example.com/hooks") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("must be a whole web address, such as https://example.com/hooks")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must hold no user or password: requests are signed")
    if parts.fragment:
        raise ValueError("must end before the #: servers never see what follows it")
    address = parse_address(host)
    if address is not None and not is_open(address, allowed):
        raise PrivateAddressError("names a private address")
    if address is None and (host == "localhost" or host.endswith(".localhost")) and not allowed:
        raise PrivateAddressError("names this machine")


class PrivateAddressError(ValueError):
    """The URL leads inward."""
