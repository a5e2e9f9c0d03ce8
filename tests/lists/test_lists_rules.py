"""The reference: every key's rule against fact page 1.3, and what must hold for any text at all."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestlist.lists import rules
from guestlist.lists.base import UNHASHED, Key, Reject
from guestlist.lists.cells import BLANK
from guestlist.lists.rules import RULES, hash_value, normalise, normalise_digest
from guestlist.lists.sample_people import LANDS

YEAR = 2026
EMPTY = hashlib.sha256(b"").hexdigest()

VECTORS = [
    (Key.EMAIL, "mary@example.com", "mary@example.com", "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79"),
    (Key.PHONE, "15559876543", "15559876543", "1ef970831d7963307784fa8688e8fce101a15685d62aa765fed23f3a2c576a4e"),
    (Key.PHONE, "(+84) 091-2345678", "84912345678", "25cc2f7574420a2d46c9f2d6cf94cdbb242ef7d479afe92ed6e8eb33a7493093"),
    (Key.GEN, "F", "f", "252f10c83610ebca1a059c0bae8255eba2f95be4d1d7bcfa89d7248a82d9f111"),
    (Key.DOBY, "1985", "1985", "78e370b587b145920213731b7c7c725e512b3b6577c51c800218a7c764c532ae"),
    (Key.DOBM, "3", "03", "0b8efa5a3bf104413a725c6ff0459a6be12b1fd33314cbb138745baf39504ae5"),
    (Key.DOBD, "27", "27", "670671cd97404156226e507973f2ab8330d3022ca96e0c93bdbdb320c41adcaf"),
    (Key.FN, " Mary ", "mary", "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec"),
    (Key.LN, "Jones", "jones", "9706987d633e05a0d2931c21108b37e8c790570048ac47c48900314bb325d606"),
    (Key.FI, "Mary", "m", "62c66a7a5dd70c3146618063c344e531e6d4b59e379808443ce962b3abd63c5a"),
    (Key.CT, "New York", "newyork", "350c754ba4d38897693aa077ef43072a859d23f613443133fecbbd90a3512ca5"),
    (Key.ST, "New York", "ny", "1b06e2003f8420d6fa42badd8f77ec0f706b976b7a48b13c567dc5a559681683"),
    (Key.ZIP, "10001-2345", "10001", "e443169117a184f91186b401133b20be670c7c0896f9886075e5d9b81e9d076b"),
    (Key.COUNTRY, "USA", "us", "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621"),
    (Key.FN, "Sofi\u0301a", "sofía", "fcf0b6cedd43ba0a0f151a05c602ba7e3e148394ff3f3c35b63aff5f373b2b5b"),
]


@pytest.mark.parametrize(("key", "raw", "normalised", "digest"), VECTORS)
def test_vectors_of_the_fact_page(key: Key, raw: str, normalised: str, digest: str) -> None:
    assert normalise(key, raw, region="US", this_year=YEAR) == normalised
    assert hash_value(normalised) == digest


SCRIPTS = [
    ("ΟΔΥΣΣΕΎΣ", "οδυσσεύς"),  # the final sigma at the end only
    ("ΣΊΣΥΦΟΣ-ΑΣ", "σίσυφοςας"),  # each part of a double name ends in one
    ("İREM", "i\u0307rem"),  # dotted capital I is i and a dot above, as Unicode lowers it
    ("IŞIK", "işik"),  # no language is guessed: I is i, not ı
    ("ırmak", "ırmak"),
    ("Groß", "groß"),  # not folded to ss
    ("GROẞ", "groß"),
    ("Jose\u0301", "josé"),  # composed
    ("Nguye\u0302\u0303n", "nguyễn"),
    ("Ǆemal", "ǆemal"),  # one letter, not two
    ("ﬁona", "ﬁona"),  # a ligature is a letter; only the person knows what was meant
    ("محمّد", "محمّد"),  # vowel marks stay
    ("عبد الرحمن", "عبد الرحمن"),
    ("פייגע־לאה", "פייגעלאה"),  # maqaf is punctuation
    ("שָׂרָה", unicodedata.normalize("NFC", "שָׂרָה")),
    ("สมชาย", "สมชาย"),
    ("น้ำฝน", "น้ำฝน"),  # Thai marks above stay
    ("毛泽东", "毛泽东"),
    ("欧阳·娜娜", "欧阳娜娜"),  # middle dot
    ("김민준", "김민준"),
    ("\u1100\u1161\u11a8", "각"),  # jamo compose to a syllable
    ("たなか", "たなか"),
    ("प्रिया", "प्रिया"),
    ("മീര\u200d", "മീര"),  # joiners at the end are invisible
    ("Ⅳ", Reject("no_letters")),  # a Roman numeral is a number
    ("\u0301\u0302", Reject("no_letters")),  # marks without a letter
    ("🙂", Reject("no_letters")),
    ("🙂 Ann", "ann"),
    ("Ann\u00a0 Marie", "ann marie"),
    ("J. R. R.", "j r r"),
]


@pytest.mark.parametrize(("raw", "normalised"), SCRIPTS)
def test_names_of_every_script(raw: str, normalised: str | Reject) -> None:
    for key in (Key.FN, Key.LN):
        assert normalise(key, raw, region="GB", this_year=YEAR) == normalised


def test_inner_spaces_of_names_go_when_the_setting_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert normalise(Key.FN, "Mary  Ann", region="GB", this_year=YEAR) == "mary ann"
    monkeypatch.setattr(rules, "KEEP_INNER_SPACES", False)
    assert normalise(Key.FN, "Mary  Ann", region="GB", this_year=YEAR) == "maryann"


GOOD = [
    (Key.EMAIL, "GB", "  Ann.Lee@Example.COM ", "ann.lee@example.com"),
    (Key.EMAIL, "GB", "mailto:ann@example.com", "ann@example.com"),
    (Key.EMAIL, "GB", "Ann Lee <Ann@Example.com>", "ann@example.com"),
    (Key.EMAIL, "GB", "ann@example.com; bob@example.com", "ann@example.com"),
    (Key.EMAIL, "GB", "ann@example.com.", "ann@example.com"),
    (Key.EMAIL, "GB", "ａｎｎ＠example.com", "ann@example.com"),
    (Key.EMAIL, "GB", "\ufeffann@example.com\u200b", "ann@example.com"),
    (Key.EMAIL, "GB", "jürgen@bücher.example", "jürgen@bücher.example"),
    (Key.FN, "GB", "Mary  Ann", "mary ann"),
    (Key.LN, "GB", "O'Brien-Smith", "obriensmith"),
    (Key.LN, "GB", "山田", "山田"),
    (Key.LN, "GB", "ΟΔΟΣ", "οδος".replace("σ", "ς")),
    (Key.FN, "TR", "İpek", "i\u0307pek"),
    (Key.FN, "IN", "प्रिया", "प्रिया"),
    (Key.FI, "GB", "Émile", "é"),
    (Key.CT, "US", "St. Louis", "stlouis"),
    (Key.CT, "GB", "København", "københavn"),
    (Key.ST, "US", "ca", "ca"),
    (Key.ST, "CA", "ON", "on"),
    (Key.ST, "DE", "Baden-Württemberg", "badenwürttemberg"),
    (Key.ZIP, "US", "2134", "02134"),
    (Key.ZIP, "GB", "CT2 7PP", "ct27"),
    (Key.ZIP, "GB", "sw1a 1aa", "sw1a1"),
    (Key.ZIP, "CA", "N8N 3N2", "n8n3n2"),
    (Key.ZIP, "PL", "30-001", "30-001"),
    (Key.COUNTRY, "GB", "UK", "gb"),
    (Key.COUNTRY, "GB", "Deutschland", "de"),
    (Key.COUNTRY, "GB", "Việt Nam", "vn"),
    (Key.COUNTRY, "GB", "日本", "jp"),
    (Key.COUNTRY, "GB", "U.S.A.", "us"),
    (Key.GEN, "GB", "weiblich", "f"),
    (Key.GEN, "GB", "Homme", "m"),
    (Key.DOBM, "GB", "12.0", "12"),
    (Key.DOBD, "GB", "٠٧", "07"),
    (Key.MADID, "GB", "AB1234BC-0000-4000-8000-0123456789AB", "ab1234bc-0000-4000-8000-0123456789ab"),
    (Key.EXTERN_ID, "GB", " c-17 ", "c-17"),
]


@pytest.mark.parametrize(("key", "region", "raw", "normalised"), GOOD)
def test_values_come_out_as_meta_wants_them(key: Key, region: str, raw: str, normalised: str) -> None:
    assert normalise(key, raw, region=region, this_year=YEAR) == normalised


BAD = [
    (Key.EMAIL, "ann.example.com", "email_no_at"),
    (Key.EMAIL, "ann@@example.com", "email_invalid"),
    (Key.EMAIL, "ann lee@example.com", "email_invalid"),
    (Key.EMAIL, "ann@example", "email_invalid"),
    (Key.EMAIL, "ann@example..com", "email_invalid"),
    (Key.EMAIL, "@example.com", "email_invalid"),
    (Key.EMAIL, "ann@1.2.3.4", "email_invalid"),
    (Key.EMAIL, "a" * 288 + "@example.com", "email_too_long"),
    (Key.EMAIL, "f" * 64, "looks_hashed"),
    (Key.EMAIL, "ann\0@example.com", "nul_byte"),
    (Key.EMAIL, "ann\ud800@example.com", "bad_encoding"),
    (Key.EMAIL, "ann\ufffd@example.com", "bad_encoding"),
    (Key.EMAIL, "#N/A", "spreadsheet_error"),
    (Key.FN, "---", "no_letters"),
    (Key.FN, "123", "no_letters"),
    (Key.FI, "3", "no_letters"),
    (Key.CT, "75001", "no_letters"),
    (Key.ST, "Nowhere", "state_unknown"),
    (Key.ZIP, "ABC", "zip_invalid"),
    (Key.ZIP, "00000", "zip_invalid"),
    (Key.COUNTRY, "Neverland", "country_unknown"),
    (Key.GEN, "diverse", "gender_unknown"),
    (Key.DOBY, "1899", "birth_year_invalid"),
    (Key.DOBY, "2027", "birth_year_invalid"),
    (Key.DOBY, "85", "birth_year_invalid"),
    (Key.DOBM, "13", "birth_month_invalid"),
    (Key.DOBD, "0", "birth_day_invalid"),
    (Key.MADID, "00000000-0000-0000-0000-000000000000", "madid_invalid"),
    (Key.EXTERN_ID, " ", "blank"),
]


@pytest.mark.parametrize(("key", "raw", "code"), BAD)
def test_values_that_cannot_be_used_say_why(key: Key, raw: str, code: str) -> None:
    rejected = normalise(key, raw, region="US", this_year=YEAR)
    assert isinstance(rejected, Reject)
    assert rejected.code == code


def test_digests_of_a_hashed_column_are_kept_and_never_hashed_twice() -> None:
    digest = hash_value("mary@example.com")
    assert normalise_digest(f" {digest.upper()} ") == digest
    assert normalise_digest("mary@example.com") == Reject("not_a_hash")
    assert normalise_digest(EMPTY) == Reject("not_a_hash")


SHA256 = hash_value("mary@example.com")
MD5 = hashlib.md5(b"mary@example.com").hexdigest()
SHA1 = hashlib.sha1(b"mary@example.com").hexdigest()
BASE64 = base64.b64encode(hashlib.sha256(b"mary@example.com").digest()).decode()
DIGESTS = [
    (SHA256, ""),
    (SHA256.upper(), ""),
    (f" {SHA256}\u200b", ""),
    (MD5, "MD5"),
    (MD5.upper(), "MD5"),
    (SHA1, "SHA-1"),
    (hashlib.sha512(b"mary").hexdigest(), "SHA-512"),
    (BASE64, "Base64"),
]


@pytest.mark.parametrize("key", [key for key in Key if key not in UNHASHED])
@pytest.mark.parametrize(("digest", "kind"), DIGESTS)
def test_a_digest_is_never_hashed_again_and_its_kind_is_named(key: Key, digest: str, kind: str) -> None:
    rejected = normalise(key, digest, region="US", this_year=YEAR)
    assert isinstance(rejected, Reject)
    assert rejected.code == "looks_hashed"
    assert kind in rejected.remedy
    assert bool(rejected.remedy) == bool(kind)


def test_in_a_hashed_column_only_sha256_will_do() -> None:
    for digest in (MD5, SHA1, BASE64):
        rejected = normalise_digest(digest)
        assert isinstance(rejected, Reject)
        assert rejected.code == "not_a_hash"
        assert rejected.remedy
    assert normalise(Key.EXTERN_ID, MD5, region="GB", this_year=YEAR) == MD5


def test_a_long_number_or_name_is_no_digest() -> None:
    assert normalise(Key.FN, "Ann" * 20, region="GB", this_year=YEAR) == "ann" * 20
    assert normalise(Key.PHONE, "1" * 32, region="GB", this_year=YEAR) == Reject("phone_too_long")


anything = (
    st.text(max_size=60)
    | st.text(st.characters(codec=None), max_size=20)
    | st.text("0123456789+-(). xeE@.,/#\0\ud800İΣς", max_size=30)
)
regions = st.sampled_from(["GB", "US", "DE", "IT", "BR", "JP", "AQ", "XX", ""])


@pytest.mark.parametrize("key", list(Key))
@given(raw=anything, region=regions)
def test_every_rule_takes_any_text_and_never_gives_an_empty_value(key: Key, raw: str, region: str) -> None:
    value = RULES[key](raw, region, YEAR)
    if isinstance(value, str):
        assert value
        assert hash_value(value) != EMPTY
    else:
        assert value.code


def _kinds(letters: str, extra: str = "") -> Callable[[str], bool]:
    """Whether text holds only characters of some Unicode categories, and some others."""
    return lambda text: all(unicodedata.category(char)[0] in letters or char in extra for char in text)


def _shaped(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text, re.ASCII) is not None


ALPHABETS: dict[Key, Callable[[str], bool]] = {
    Key.EMAIL: lambda text: text.isprintable() and text.count("@") == 1 and " " not in text and text == text.lower(),
    Key.PHONE: _shaped(r"[1-9]\d{4,19}"),
    Key.GEN: _shaped(r"[mf]"),
    Key.DOBY: _shaped(r"(19|20)\d\d"),
    Key.DOBM: _shaped(r"0[1-9]|1[0-2]"),
    Key.DOBD: _shaped(r"0[1-9]|[12]\d|3[01]"),
    Key.FN: _kinds("LMN", " "),
    Key.LN: _kinds("LMN", " "),
    Key.FI: lambda text: len(text) == 1 and text.isalpha(),
    Key.CT: _kinds("LM"),
    Key.ST: _kinds("LM"),
    Key.ZIP: lambda text: len(text) <= 12 and all(char.isalnum() or char == "-" for char in text),
    Key.COUNTRY: _shaped(r"[a-z]{2}"),
    Key.MADID: _shaped(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    Key.EXTERN_ID: lambda text: text == text.strip() != "",
}
LIKELY: dict[Key, st.SearchStrategy[str]] = {
    Key.EMAIL: st.emails() | st.from_regex(r"\s*[\w.]{1,9}@\w{1,9}\.[a-zA-Z]{2,4}[;,.]?", fullmatch=True),
    Key.PHONE: st.from_regex(r"(\+|00)?[ 0-9()\-]{7,20}( ?x[0-9]{1,3})?", fullmatch=True),
    Key.GEN: st.sampled_from(["M", " f.", "Weiblich", "HOMME", "mujer", "男", "x"]),
    Key.DOBY: st.integers(1800, 2100).map(str),
    Key.DOBM: st.integers(-1, 14).map("{}.0".format),
    Key.DOBD: st.integers(-1, 40).map(str),
    Key.ZIP: st.from_regex(r"[A-Za-z0-9]{1,4}[ \-]?[A-Za-z0-9]{2,4}(\.0)?", fullmatch=True),
    Key.COUNTRY: st.sampled_from(["UK", "deu", "Côte d'Ivoire", " 日本", "u.s.a.", "Neverland"]),
    Key.MADID: st.uuids().map(str).map(str.upper),
}


@pytest.mark.parametrize("key", list(Key))
@given(data=st.data(), region=regions)
def test_what_comes_out_has_the_alphabet_of_its_key(key: Key, data: st.DataObject, region: str) -> None:
    raw = data.draw(anything | LIKELY.get(key, st.text(st.characters(categories=["L", "M", "P", "Zs"]), max_size=20)))
    value = RULES[key](raw, region, YEAR)
    if isinstance(value, str):
        assert value
        assert ALPHABETS[key](value), value
        assert unicodedata.is_normalized("NFC", value) or key is Key.EXTERN_ID
        assert value.encode()


@pytest.mark.parametrize("key", [key for key in Key if key is not Key.PHONE])
@given(raw=anything, region=regions)
def test_normalising_twice_changes_nothing(key: Key, raw: str, region: str) -> None:
    once = RULES[key](raw, region, YEAR)
    if isinstance(once, str):
        assert RULES[key](once, region, YEAR) == once


@pytest.mark.parametrize("key", list(Key))
@given(raw=st.text(" \t\r\n\u00a0\u200b\ufeff", max_size=8))
def test_blank_is_missing_for_every_key(key: Key, raw: str) -> None:
    assert RULES[key](raw, "GB", YEAR) == BLANK


@given(name=st.sampled_from([name for land in LANDS for name in (*land.first, *land.last)]))
def test_no_letter_of_a_name_is_lost(name: str) -> None:
    value = normalise(Key.FN, name, region="GB", this_year=YEAR)
    assert isinstance(value, str)
    assert [char for char in value if char.isalpha()] == [char for char in name.lower() if char.isalpha()]


@given(
    local=st.from_regex(r"[A-Za-z0-9_.+\-]{1,70}", fullmatch=True), domain=st.from_regex(r"[A-Za-z0-9.\-]{1,40}", fullmatch=True)
)
def test_the_quick_way_for_plain_addresses_takes_nothing_the_careful_way_refuses(local: str, domain: str) -> None:
    address = f"{local}@{domain}"
    quick = normalise(Key.EMAIL, address, region="GB", this_year=YEAR)
    careful = normalise(Key.EMAIL, f"<{address}>", region="GB", this_year=YEAR)
    assert quick == careful
