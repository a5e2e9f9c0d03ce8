"""Secrets at rest."""

import pytest

from guestlist.errors import ConfigurationError
from guestlist.vault import SealedVault

KEY = bytes(range(32))


def test_what_was_sealed_opens_in_its_place_and_shows_nothing():
    vault = SealedVault(KEY)
    sealed = vault.seal("EAAB-page-token", "pages:pag_1:page_token")
    assert b"EAAB" not in sealed
    assert vault.open(sealed, "pages:pag_1:page_token") == "EAAB-page-token"
    assert sealed != vault.seal("EAAB-page-token", "pages:pag_1:page_token")


@pytest.mark.parametrize(
    ("key", "place"),
    [
        (b"another key, of thirty-two bytes", "pages:pag_1:page_token"),
        (KEY, "pages:pag_2:page_token"),
        (KEY, "pages:pag_1:ads_token"),
    ],
)
def test_another_key_or_place_opens_nothing(key, place):
    sealed = SealedVault(KEY).seal("EAAB-page-token", "pages:pag_1:page_token")
    with pytest.raises(ConfigurationError) as refusal:
        SealedVault(key).open(sealed, place)
    assert refusal.value.code == "wrong_key"
    assert "EAAB" not in str(refusal.value)
