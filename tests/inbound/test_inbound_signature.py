"""Only authentic bodies pass: Meta's signature over the raw bytes."""

from __future__ import annotations

import hmac

import pytest
from inbound_driver import SECRET

from guestlist.inbound.signature import ForgedError, UnsignedError, build_signature, check_signature

EMPTY_PAGE = b'{"object":"page","entry":[]}'
ESCAPED = rb'{"object":"page","entry":[{"id":"1","messaging":[{"message":{"text":"f\u00fcr"}}]}]}'
VECTORS = [  # fact page 8.1
    (EMPTY_PAGE, "1a82db3abc2fa71a3fffecfedef579a8468a44850cd8a83a0c56974faff81689"),
    (ESCAPED, "4a593304babe8ec96feccccdb9b0801c50307f768837691aa41697650bb57c2c"),
]
GOOD = VECTORS[0][1]


@pytest.mark.parametrize(("body", "digits"), VECTORS)
def test_the_vectors_of_the_fact_page_pass_in_either_case(body: bytes, digits: str) -> None:
    assert build_signature(body, SECRET) == f"sha256={digits}".encode()
    check_signature(f"sha256={digits}".encode(), body, SECRET)
    check_signature(f"sha256={digits.upper()}".encode(), body, SECRET)


def test_a_body_written_anew_no_longer_fits_its_signature() -> None:
    with pytest.raises(ForgedError):
        check_signature(f"sha256={VECTORS[1][1]}".encode(), ESCAPED.replace(rb"\u00fc", "ü".encode()), SECRET)


def test_a_webhook_without_a_signature_is_unsigned() -> None:
    with pytest.raises(UnsignedError):
        check_signature(None, EMPTY_PAGE, SECRET)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256=",
        GOOD,  # the digits alone
        f"sha1={GOOD}",
        f"SHA256={GOOD}",
        f" sha256={GOOD}",
        f"sha256={GOOD} ",
        f"sha256={GOOD}00",
        f"sha256={GOOD[:-1]}",
        f"sha256={GOOD[:-2]}zz",
        f"sha256={GOOD[:30]}  {GOOD[32:]}",  # spaces are no hex digits
        f"sha256={GOOD[:-1]}{'0' if GOOD[-1] != '0' else '1'}",
        f"sha256={GOOD[:-1]}\xb2",
        f"sha256=sha256={GOOD[:-7]}",
        "sha1=" + hmac.new(SECRET.encode(), EMPTY_PAGE, "sha1").hexdigest(),
    ],
)
def test_anything_but_the_exact_signature_is_forged(header: str) -> None:
    with pytest.raises(ForgedError):
        check_signature(header.encode("latin-1"), EMPTY_PAGE, SECRET)


def test_another_secret_or_another_byte_is_forged() -> None:
    header = build_signature(EMPTY_PAGE, SECRET)
    for body, secret in [(EMPTY_PAGE, "other"), (EMPTY_PAGE + b" ", SECRET), (b"", SECRET)]:
        with pytest.raises(ForgedError):
            check_signature(header, body, secret)
