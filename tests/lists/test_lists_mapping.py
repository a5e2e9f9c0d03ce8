"""Columns to keys: by header however it is written, by content without one, and never wrong with confidence.

The header rows of real exports are in `test_lists_dialects.py`; what the user says, and what is saved of it, in
`test_lists_choices.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from guestlist.lists.base import Reject
from guestlist.lists.dates import find_date_parts, puts_month_first
from guestlist.lists.headers import find_hinted, find_named
from guestlist.lists.mapping import map_columns
from guestlist.lists.names import NameOrder, split_name

Read = Callable[..., Any]

NOT_VALUES = [
    "Email opt-in date",
    "Email Marketing Consent",
    "Phone type",
    "Fax",
    "Email Status",
    "Accepts SMS Marketing",
    "Email domain",
]


@pytest.mark.parametrize("header", NOT_VALUES)
def test_a_column_about_an_address_is_not_taken_for_one(header: str) -> None:
    plan = map_columns(["email", header], [["ann@example.com"], ["bob@example.com"]], "GB")

    assert plan.columns[1].certainty == "ignored"
    assert plan.serving == {"EMAIL": (0,)}


def test_a_header_that_hints_needs_content_that_confirms() -> None:
    confirmed = map_columns(["Guest phone (evening)"], [["020 7946 0001"]], "GB")
    assert confirmed.columns[0].certainty == "used"

    doubtful = map_columns(["email", "Guest phone (evening)"], [["ann@example.com"], ["yes"]], "GB")
    assert doubtful.columns[1].certainty == "unsure"


def test_a_header_that_names_the_wrong_identifier_is_overruled_by_its_content() -> None:
    plan = map_columns(["phone", "email"], [["ann@example.com"] * 5, ["020 7946 0001"] * 5], "GB")

    assert plan.serving == {"EMAIL": (0,), "PHONE": (1,)}
    assert plan.columns[0].reason == "Its header says phone numbers, but it holds e-mail addresses."


DOUBTFUL = [("country", "44"), ("zip", "none"), ("name", "Acme"), ("dob", "31085"), ("gender", "x"), ("birth year", "85")]


@pytest.mark.parametrize(("header", "cell"), DOUBTFUL)
def test_a_known_header_over_other_content_is_unsure_and_not_uploaded(header: str, cell: str) -> None:
    plan = map_columns(["email", header], [["ann@example.com"] * 10, [cell] * 10], "GB")

    assert plan.columns[1].certainty == "unsure"
    assert plan.serving == {"EMAIL": (0,)}


def test_genders_in_spanish_letters_are_unsure() -> None:
    plan = map_columns(["email", "sexo"], [["ann@example.com"] * 2, ["H", "M"]], "ES")

    assert plan.columns[1].certainty == "unsure"
    assert "mujer" in plan.columns[1].reason


def test_without_a_header_only_what_is_beyond_doubt_is_used() -> None:
    columns = [
        ["Ann", "Bob"],
        ["Lee", "Ray"],
        ["SW1A 1AA", "M1 2AB"],
        ["020 7946 0001", "0161 496 0002"],
        ["a@b.example", "c@d.example"],
        ["f", "m"],
    ]
    plan = map_columns(None, columns, "GB")

    assert plan.serving == {"ZIP": (2,), "PHONE": (3,), "EMAIL": (4,)}
    assert [column.certainty for column in plan.columns] == ["ignored", "ignored", "used", "used", "used", "unsure"]
    assert plan.columns[0].name == "column 1"


def test_a_counter_that_looks_like_phones_is_not_used() -> None:
    counter = [str(2079460001 + index) for index in range(50)]
    plan = map_columns(None, [["ann@example.com"] * 50, counter], "GB")

    assert plan.columns[1].certainty == "unsure"


def test_two_letter_provinces_are_not_taken_for_countries() -> None:
    plan = map_columns(None, [["ann@example.com"] * 3, ["ON", "BC", "CA"]], "CA")

    assert plan.serving == {"EMAIL": (0,)}


NOISE = [
    ("Email*", "EMAIL"),
    ("\ufeffEmail", "EMAIL"),
    ("Email Address (required)", "EMAIL"),
    ("E-Mail-Adresse (privat)", "EMAIL"),
    ("contact[email]", "EMAIL"),
    ("customer.email", "EMAIL"),
    ("ＥＭＡＩＬ", "EMAIL"),
    ("Courriel du client", "EMAIL"),
    ("メールアドレス（必須）", "EMAIL"),
    ("Phone #", "PHONE"),
    ("  [Phone]  ", "PHONE"),
    ("Tel.-Nr.", "PHONE"),
    ("Telefon / Mobil", "PHONE"),
    ("billing_phone", "PHONE"),
    ("BillingPhone", "PHONE"),
    ("phone_e164", "PHONE"),
    ("Phone (with country code)", "PHONE"),
    ("Nº de teléfono", "PHONE"),
    ("Téléphone (portable)", "PHONE"),
    ("電話番号（携帯）", "PHONE"),
    ("Mobile (WhatsApp)", "PHONE"),
    ("Zip / Postal", "ZIP"),
    ("Business Country/Region", "COUNTRY"),
    ("BILLING FIRST NAME", "FN"),
    ("Date-of-Birth", "DOB"),
]


@pytest.mark.parametrize(("header", "key"), NOISE)
def test_a_header_is_known_whatever_stands_around_its_name(header: str, key: str) -> None:
    named = find_named(header) or find_hinted(header)
    assert named is not None
    assert named.key == key


TRAPS = [
    *(
        "Last Visit",
        "First Order",
        "Last contact",
        "User Name",
        "Organization Name",
        "Phonetic First Name",
        "Card Last4",
        "Address",
    ),
    *("Phone Country Code", "Assistant's Phone", "Phone 1 - Label", "Contact State", "Shipping Method", "House number"),
]


@pytest.mark.parametrize("header", TRAPS)
def test_a_header_that_only_sounds_like_a_key_is_none(header: str) -> None:
    assert (find_named(header), find_hinted(header)) == (None, None)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("Email", "Work Email"),
        ("Personal Email", "Business Email"),
        ("Home Email", "Work Email"),
        ("Primary Email", "Secondary Email"),
        ("Email 1", "Email 2"),
        ("Billing Email", "Other Email"),
        ("Mobile", "Phone"),
        ("Work Mobile", "Phone"),
        ("Phone", "Home Phone"),
        ("Phone", "Phone 2"),
        ("Other Phone", "Festnetz"),
        ("Billing City", "Shipping City"),
    ],
)
def test_the_likelier_column_comes_first_wherever_it_stands(better: str, worse: str) -> None:
    plan = map_columns([worse, better, "E-Mail"], [[], [], ["ann@example.com"]], "DE")

    key = plan.columns[1].key or ""
    order = [plan.columns[index].name for index in plan.serving[key]]
    assert order.index(better) < order.index(worse)


def test_columns_of_one_key_say_when_their_turn_comes() -> None:
    plan = map_columns(["Work phone", "Mobile", "Email"], [[], [], []], "GB")

    assert plan.serving["PHONE"] == (1, 0)
    assert plan.columns[1].reason == (
        "Its header says phone numbers. It comes first; "
        "1 more such column is read only where it has none, or one that is not mobile."
    )
    assert plan.columns[0].reason.endswith(
        "Number 2 of 2 such columns: read only where those before it have none, or one that is not mobile."
    )


BEST = [
    ("mobile", "landline", "mobile"),
    ("landline", "mobile", "mobile"),
    ("landline", "other landline", "landline"),
    ("mobile", "other mobile", "mobile"),
    ("", "landline", "landline"),
    ("broken", "landline", "landline"),
    ("landline", "broken", "landline"),
    ("american", "landline", "american"),
    ("landline", "american", "american"),
    ("american", "mobile", "mobile"),
]
NUMBERS = {
    "": "",
    "broken": "12",
    "mobile": "07911 123456",
    "other mobile": "07700 900123",
    "landline": "020 7946 0001",
    "other landline": "0161 496 0002",
    "american": "+1 202 555 0143",  # its plan does not tell mobiles from landlines
}


@pytest.mark.parametrize(("first", "second", "best"), BEST)
def test_the_number_that_goes_up_is_the_one_likeliest_in_the_pocket(read: Read, first: str, second: str, best: str) -> None:
    outcome = read(f"email,phone,phone 2\nann@example.com,{NUMBERS[first]},{NUMBERS[second]}\n")

    expected = read(f"email,phone\nann@example.com,{NUMBERS[best]}\n")
    assert outcome.rows == expected.rows


def test_a_cell_is_dropped_only_where_it_was_the_best_there_was(read: Read) -> None:
    outcome = read("email,phone,phone 2\nann@example.com,12,020 7946 0001\nbob@example.com,020 7946 0001,12\n")

    assert outcome.codes == [(1, "phone", "phone_too_short")]


def test_the_first_valid_address_goes_up_by_the_rank_of_its_header(read: Read) -> None:
    outcome = read("work email,email\nw@example.com,ann@example.com\nx@example.com,\ny@example.com,broken\n")

    assert outcome.rows == read("email\nann@example.com\nx@example.com\ny@example.com\n").rows
    assert outcome.codes == [(3, "email", "email_no_at")]


def test_order_numbers_under_name_are_not_taken_for_names() -> None:
    columns = [[f"#{1000 + row}" for row in range(12)], ["ann@example.com"] * 12, ["Ann Lee"] * 12]
    plan = map_columns(["Name", "Email", "Billing Name"], columns, "GB")

    assert plan.serving["FULL_NAME"] == (2,)
    assert plan.columns[0].certainty == "unsure"


def test_whole_dates_under_birth_day_and_years_under_birthday_are_taken_for_what_they_are() -> None:
    whole = map_columns(["email", "DOBD"], [["a@b.example"] * 10, ["1985-03-27"] * 10], "GB")
    years = map_columns(["email", "Birthday"], [["a@b.example"] * 10, ["1985"] * 10], "GB")

    assert (whole.columns[1].key, years.columns[1].key) == ("DOB", "DOBY")
    assert years.columns[1].reason == "Its header says dates of birth, but it holds birth years."


def test_of_two_columns_of_full_names_one_is_read_and_the_other_says_so() -> None:
    plan = map_columns(["email", "Shipping Name", "Billing Name"], [["a@b.example"], ["Ann Lee"], ["Ann Lee"]], "GB")

    assert plan.serving["FULL_NAME"] == (2,)
    assert plan.columns[1].reason == "Full names are read from “Billing Name”; one column is enough."


def test_digests_without_a_telling_header_are_left_out_and_say_so() -> None:
    plan = map_columns(["email", "code"], [["a@b.example"] * 3, ["f1904cf1a9d73a55" * 4] * 3], "GB")

    assert plan.columns[1].certainty == "ignored"


@pytest.mark.parametrize(
    ("header", "keys"),
    [
        (["email", "Vorname", "Name"], {"EMAIL", "FN", "LN"}),
        (["email", "first name", "last name", "full name"], {"EMAIL", "FN", "LN"}),
        (["email", "Nombre"], {"EMAIL", "FULL_NAME"}),
        (["email", "이름", "성"], {"EMAIL", "FN", "LN"}),
    ],
)
def test_what_name_means_depends_on_its_neighbours(header: list[str], keys: set[str]) -> None:
    cells = {
        "Vorname": "Ann",
        "first name": "Ann",
        "Name": "Lee",
        "last name": "Lee",
        "full name": "Ann Lee",
        "Nombre": "Ann Lee",
        "이름": "길동",
        "성": "홍",
    }
    plan = map_columns(header, [[cells.get(name, "ann@example.com")] * 3 for name in header], "DE")

    assert set(plan.serving) == keys


def test_unhashed_keys_are_never_in_the_upload(read: Read) -> None:
    outcome = read(
        "email,madid,customer id\nann@example.com,ab1234bc-0000-4000-8000-0123456789ab,17\n", mapping={"customer id": "EXTERN_ID"}
    )

    assert outcome.payloads[0].schema == ("EMAIL",)


def test_hashed_columns_are_found_and_passed_through(read: Read) -> None:
    digest = "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79"
    outcome = read(f"email_sha256\n{digest.upper()}\nann@example.com\n")

    assert outcome.report.mapping[0].hashed
    assert outcome.rows == [(digest,)]
    assert outcome.report.rejected == {"no_identifier": 1}


NAMES = [
    ("Ann Lee", ("Ann", "Lee")),
    ("Lee, Ann", ("Ann", "Lee")),
    ("Dr. Ann Lee", ("Ann", "Lee")),
    ("Martin Luther King, Jr.", ("Martin", "King")),
    ("Ludwig van Beethoven", ("Ludwig", "van Beethoven")),
    ("山田 太郎", ("太郎", "山田")),
]


@pytest.mark.parametrize(("raw", "parts"), NAMES)
def test_full_names_are_split(raw: str, parts: tuple[str, str]) -> None:
    assert split_name(raw) == parts


ORDERS = [
    ("Name (Last, First)", "Lee Ann", ("Ann", "Lee")),
    ("Nachname, Vorname", "von der Leyen Anna", ("Anna", "von der Leyen")),
    ("Nom et prénom", "LE GOFF Anne Marie", ("Anne", "LE GOFF")),
    ("First Last", "Ann Lee", ("Ann", "Lee")),
    ("Imię i nazwisko", "Jan Kowalski", ("Jan", "Kowalski")),
    ("ФИО", "Иванов Иван Иванович", ("Иван", "Иванов")),
    ("Név", "Nagy János", ("János", "Nagy")),
    ("Họ và tên", "Nguyễn Văn An", ("An", "Nguyễn")),
    ("Full name", "Lee, Ann", ("Ann", "Lee")),
]


@pytest.mark.parametrize(("header", "raw", "parts"), ORDERS)
def test_full_names_are_split_in_the_order_their_header_says(header: str, raw: str, parts: tuple[str, str]) -> None:
    plan = map_columns(["email", header], [["a@b.example"] * 10, [raw] * 10], "GB")

    assert plan.columns[1].key == "FULL_NAME"
    assert split_name(raw, plan.order) == parts


def test_a_family_name_of_one_word_or_two_is_not_guessed() -> None:
    assert split_name("García López Juan", NameOrder.FAMILY_FIRST) == Reject("name_not_split")


@pytest.mark.parametrize("raw", ["Ann", "山田太郎", "", "- -", "a b c d e f g"])
def test_names_that_cannot_be_split_safely_are_not(raw: str) -> None:
    assert not isinstance(split_name(raw), tuple)


def test_dates_are_read_as_their_column_writes_them() -> None:
    assert find_date_parts("1985-03-27") == ("1985", "03", "27")
    assert find_date_parts("27/03/1985") == ("1985", "03", "27")
    assert find_date_parts("03/04/1985", month_first=True) == ("1985", "03", "04")
    assert find_date_parts("27 Mar 1985") == ("1985", "3", "27")
    assert find_date_parts("March 27, 1985") == ("1985", "3", "27")
    assert find_date_parts("1985年3月27日") == ("1985", "3", "27")
    for broken in ("31/02/1985", "85-03-27", "31085", "soon"):
        assert find_date_parts(broken) is None
    assert puts_month_first(["03/27/1985", "03/04/1985"], "GB")
    assert not puts_month_first(["27/03/1985", "03/04/1985"], "US")
    assert puts_month_first(["03/04/1985"], "US")
