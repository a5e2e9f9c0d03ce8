"""Columns to keys: by header in many dialects and languages, by content without one, and never wrong with confidence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from guestlist.errors import ListError
from guestlist.lists.dates import find_date_parts, puts_month_first
from guestlist.lists.headers import find_named
from guestlist.lists.mapping import map_columns
from guestlist.lists.names import split_name

Read = Callable[..., Any]

DIALECTS = [
    ("Meta", "email,phone,fn,ln,zip,ct,st,country,dob,doby,gen", "EMAIL PHONE FN LN ZIP CT ST COUNTRY DOB DOBY GEN"),
    (
        "Shopify",
        "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address City,Default Address Province Code,"
        "Default Address Country Code,Default Address Zip,Default Address Phone,Phone",
        "EXTERN_ID FN LN EMAIL - CT ST COUNTRY ZIP PHONE PHONE",
    ),
    ("HubSpot", "Record ID,First Name,Last Name,Email,Phone Number,Mobile Phone Number,City,Postal Code",
     "EXTERN_ID FN LN EMAIL PHONE PHONE CT ZIP"),
    ("Salesforce", "FirstName,LastName,Email,MobilePhone,MailingCity,MailingState,MailingPostalCode,MailingCountry,Birthdate",
     "FN LN EMAIL PHONE CT ST - COUNTRY DOB"),
    ("Mailchimp", "Email Address,First Name,Last Name,Phone Number,Birthday", "EMAIL FN LN PHONE DOB"),
    ("WooCommerce",
     "Billing First Name,Billing Last Name,Billing Email,Billing Phone,Billing City,Billing Postcode,Billing Country",
     "FN LN EMAIL PHONE CT ZIP COUNTRY"),
    ("Klaviyo", "Email,Klaviyo ID,First Name,Last Name,Phone Number,City,State / Region,Country,Zip Code",
     "EMAIL EXTERN_ID FN LN PHONE CT ST COUNTRY ZIP"),
    ("German", "E-Mail-Adresse,Handynummer,Vorname,Nachname,PLZ,Ort,Land,Geburtsdatum,Geschlecht",
     "EMAIL PHONE FN LN ZIP CT COUNTRY DOB GEN"),
    ("French", "Courriel,Téléphone portable,Prénom,Nom,Code postal,Ville,Pays,Date de naissance,Sexe",
     "EMAIL PHONE FN LN ZIP CT COUNTRY DOB GEN"),
    ("Spanish",
     "Correo electrónico,Teléfono móvil,Nombre,Apellidos,Código postal,Ciudad,País",
     "EMAIL PHONE FN LN ZIP CT COUNTRY"),
    ("Portuguese", "E-mail,Celular,Nome completo,CEP,Cidade,Estado,País", "EMAIL PHONE FULL_NAME ZIP CT ST COUNTRY"),
    ("Italian", "Indirizzo email,Cellulare,Nome completo,Cognome,CAP,Città,Provincia", "EMAIL PHONE FULL_NAME LN ZIP CT ST"),
    ("Dutch", "E-mailadres,Mobiel,Voornaam,Achternaam,Postcode,Woonplaats", "EMAIL PHONE FN LN ZIP CT"),
    ("Polish", "Adres e-mail,Telefon komórkowy,Imię,Nazwisko,Kod pocztowy,Miasto", "EMAIL PHONE FN LN ZIP CT"),
    ("Turkish", "E-posta,Cep Telefonu,Adı,Soyadı,Şehir,Ülke", "EMAIL PHONE FN LN CT COUNTRY"),
    ("Russian", "Электронная почта,Номер телефона,Имя,Фамилия,Город,Страна", "EMAIL PHONE FN LN CT COUNTRY"),
    ("Japanese", "メールアドレス,携帯電話,姓,名,郵便番号,性別", "EMAIL PHONE LN FN ZIP GEN"),
    ("Chinese", "邮箱,手机号码,姓名,城市,国家", "EMAIL PHONE FULL_NAME CT COUNTRY"),
    ("Swedish", "E-postadress,Mobilnummer,Förnamn,Efternamn,Postnummer", "EMAIL PHONE FN LN ZIP"),
    ("Vietnamese", "Địa chỉ email,Số điện thoại,Họ tên,Thành phố", "EMAIL PHONE FULL_NAME CT"),
    ("Indonesian", "Alamat email,Nomor HP,Nama lengkap,Kota,Negara", "EMAIL PHONE FULL_NAME CT COUNTRY"),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "header", "keys"), DIALECTS, ids=[dialect for dialect, _, _ in DIALECTS])
def test_headers_are_known_in_the_usual_exports_and_languages(dialect: str, header: str, keys: str) -> None:
    found = [named.key if (named := find_named(name)) else "-" for name in header.split(",")]
    assert found == keys.split()


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
    assert "but it holds EMAIL" in plan.columns[0].reason


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


def test_a_mobile_goes_before_a_landline_and_says_so() -> None:
    plan = map_columns(["Work phone", "Mobile"], [["020 7946 0001"], ["020 7946 0002"]], "GB")

    assert plan.serving["PHONE"] == (1, 0)
    assert "Number 1 of 2" in plan.columns[1].reason


@pytest.mark.parametrize(
    ("header", "keys"),
    [
        (["email", "Vorname", "Name"], {"EMAIL", "FN", "LN"}),
        (["email", "first name", "last name", "full name"], {"EMAIL", "FN", "LN"}),
        (["email", "Nombre"], {"EMAIL", "FULL_NAME"}),
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


def test_the_users_word_is_taken_by_name_and_by_index() -> None:
    columns = [["ann@example.com"], ["x"], ["Ann"]]
    plan = map_columns(["Kontakt", "Extra", "Wer"], columns, "DE", {"KONTAKT": "email", "2": "FN", "Extra": "ignore"})

    assert plan.serving == {"EMAIL": (0,), "FN": (2,)}
    with pytest.raises(ListError, match="no column"):
        map_columns(["Kontakt"], [["ann@example.com"]], "DE", {"7": "EMAIL"})


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
