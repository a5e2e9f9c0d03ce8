"""What columns are called: the usual exports (Shopify, HubSpot, Salesforce, Mailchimp, WooCommerce, Klaviyo, Meta's own
template) and everyday words in a dozen languages. Data only, and the one look-up.

Names are folded before the look-up: case, accents and punctuation gone. Of several columns for one key, the earlier name
in its row below is the better one, so a mobile goes before a landline and a billing address before a shipping one.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

FULL_NAME = "FULL_NAME"
DOB = "DOB"
IGNORE = "ignore"

_NAMES = {
    "EMAIL": """email|e mail|email address|e mail address|mail|primary email|email 1|email1|emailaddress|contact email|
        customer email|email primary|person email|your email|billing email|email value|e mail 1 value|work email|home email|
        shipping email|email 2|email2|email 3|secondary email|other email|email adresse|e mail adresse|mailadresse|
        emailadresse|adresse email|adresse e mail|adresse mail|courriel|mel|correo|correo electronico|
        direccion de correo electronico|correo e|endereco de email|endereco de e mail|indirizzo email|indirizzo e mail|
        posta elettronica|e mailadres|emailadres|adres email|adres e mail|poczta|e post|epost|epostadress|e postadress|e posta|
        eposta|e posta adresi|почта|электронная почта|эл почта|имейл|メール|メールアドレス|eメール|电子邮件|电子邮箱|邮箱|
        電子郵件|dia chi email|thu dien tu|alamat email|surel""",
    "PHONE": """mobile|mobile phone|mobile phone number|mobilephone|mobile number|cell|cell phone|cellphone|cell number|
        cellular|person mobile phone|primary phone|phone|phone number|phonenumber|phone no|telephone|telephone number|tel|
        tel no|phone 1|phone1|phone 1 value|contact number|contact phone|customer phone|billing phone|default address phone|
        shipping phone|home phone|work phone|business phone|company phone|other phone|phone 2|phone2|phone 3|phone3|
        whatsapp|whatsapp phone number|whatsapp number|sms number|msisdn|handy|handynummer|mobil|mobilnummer|mobiltelefon|
        mobilfunknummer|telefon|telefonnummer|telefon nr|rufnummer|festnetz|portable|telephone portable|telephone mobile|
        numero de telephone|n de telephone|movil|celular|telefono movil|telefono celular|telefono|numero de telefono|
        telemovel|telefone|telefone celular|numero de telefone|cellulare|numero di telefono|numero di cellulare|telefoon|
        telefoonnummer|mobiel|mobiel nummer|gsm|telefon komorkowy|komorka|numer telefonu|nr telefonu|mobilnr|telefonnr|
        cep telefonu|telefon numarasi|телефон|мобильный|мобильный телефон|номер телефона|電話|電話番号|携帯|携帯電話|手机|
        手机号|手机号码|电话|电话号码|so dien thoai|dien thoai|di dong|nomor telepon|telepon|no hp|nomor hp|no telepon|
        ponsel""",
    "GEN": """gender|gen|sex|geschlecht|sexe|genre|sexo|genero|sesso|genere|geslacht|plec|cinsiyet|пол|性別|性别|gioi tinh|
        jenis kelamin""",
    "DOBY": """doby|birth year|year of birth|yob|birthyear|geburtsjahr|annee de naissance|ano de nacimiento|
        ano de nascimento|anno di nascita|geboortejaar|rok urodzenia|dogum yili|год рождения""",
    "DOBM": """dobm|birth month|month of birth|birthmonth|geburtsmonat|mois de naissance|mes de nacimiento|
        mes de nascimento|mese di nascita|geboortemaand""",
    "DOBD": """dobd|birth day|day of birth|geburtstag tag|jour de naissance|dia de nacimiento|dia de nascimento|
        geboortedag""",
    "FN": """fn|first name|firstname|first|fname|given name|givenname|forename|forenames|christian name|billing first name|
        default address first name|shipping first name|customer first name|merge1|vorname|rufname|prenom|nombre|
        nombre de pila|primer nombre|primeiro nome|nome proprio|voornaam|imie|fornamn|fornavn|etunimi|adi|isim|имя|名|
        名前 名|名字|nama depan""",
    "LN": """ln|last name|lastname|last|lname|surname|family name|familyname|billing last name|default address last name|
        shipping last name|customer last name|merge2|nachname|familienname|zuname|nom de famille|nom|apellido|apellidos|
        primer apellido|sobrenome|apelido|ultimo nome|cognome|achternaam|nazwisko|efternamn|etternavn|efternavn|sukunimi|
        soyadi|soyad|soyisim|фамилия|姓|名前 姓|姓氏|nama belakang""",
    FULL_NAME: """full name|fullname|name|customer name|contact name|customer|display name|your name|billing name|
        shipping name|person account name|naam|volledige naam|vollstandiger name|kundenname|kunde|nom complet|nom et prenom|
        nom prenom|nombre completo|nombre y apellidos|nome completo|nome e cognome|imie i nazwisko|adi soyadi|ad soyad|фио|
        полное имя|氏名|お名前|名前|姓名|ho va ten|ho ten|nama lengkap|nama""",
    "FI": """fi|first initial|initial|initials""",
    DOB: """dob|date of birth|birthdate|birth date|birthday|person birthdate|geburtsdatum|geburtstag|geb datum|
        date de naissance|ne le|fecha de nacimiento|nacimiento|data de nascimento|nascimento|data di nascita|geboortedatum|
        data urodzenia|fodelsedatum|fodselsdato|syntymaaika|dogum tarihi|дата рождения|生年月日|出生日期|ngay sinh|
        tanggal lahir""",
    "CT": """ct|city|town|billing city|default address city|mailing city|shipping city|person mailing city|city town|
        town city|suburb|municipality|ort|stadt|wohnort|ville|commune|ciudad|localidad|poblacion|cidade|municipio|citta|
        comune|plaats|woonplaats|stad|miasto|miejscowosc|ort stad|by|poststed|kaupunki|sehir|город|市区町村|市|城市|
        thanh pho|kota""",
    "ST": """st|state|state region|province|province code|default address province code|billing state|mailing state|
        mailing state province|person mailing state|shipping state|billing province|default address province|
        shipping province|state province|state code|bundesland|departement|provincia|estado|uf|regione|provincie|
        wojewodztwo|fylke|область|регион|都道府県|省|省份|tinh|provinsi""",
    "ZIP": """zip|zipcode|zip code|postal code|postcode|post code|postalcode|postal|zip postal code|billing zip|
        billing postcode|default address zip|mailing zip postal code|mailing zip|person mailing postal code|shipping zip|
        shipping postcode|plz|postleitzahl|code postal|cp|codigo postal|codigo de endereco postal|cap|codice postale|
        kod pocztowy|postnummer|postnr|postinumero|posta kodu|почтовый индекс|индекс|郵便番号|邮编|邮政编码|ma buu chinh|
        kode pos|cep""",
    "COUNTRY": """country|country code|country region|billing country|default address country code|default address country|
        mailing country|mailing country code|person mailing country|shipping country|iso country|country iso|country name|
        nation|land|staat|pays|pais|paese|nazione|kraj|maa|ulke|страна|国|国家|quoc gia|negara""",
    "MADID": """madid|mobile advertiser id|idfa|gaid|aaid|advertising id""",
    "EXTERN_ID": """extern id|external id|externid|customer id|contact id|record id|klaviyo id|lead id|user id|uid|
        kundennummer|id client""",
}  # fmt: skip


class Named(NamedTuple):
    """What a header means. `rank`: lower is better among columns of one key."""

    key: str
    rank: int
    hashed: bool = False


def fold_header(header: str) -> str:
    """The header in lower case, without accents and punctuation, words apart by one space."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header.strip().lstrip("\ufeff"))
    plain = "".join(c for c in unicodedata.normalize("NFKD", spaced.casefold()) if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", " ", plain.replace("ł", "l").replace("ı", "i").replace("đ", "d").replace("ø", "o")).strip()


def _table() -> dict[str, Named]:
    table: dict[str, Named] = {}
    for key, names in _NAMES.items():
        for rank, name in enumerate(names.split("|")):
            table.setdefault(fold_header(name), Named(key, rank))
    return table


_TABLE = _table()
_HASH_WORDS = re.compile(r"\b(?:sha ?256|hashed|hash)\b")
_NOT_A_VALUE = re.compile(
    r"\b(?:status|opt|optin|opted|consent|marketing|type|date|verified|valid|count|sent|opened|clicked|preferences?|permission|bounced?|"
    r"subscribed|unsubscribed|source|fax|label|extension|ext|domain|owner|template|campaign|confirmed|at|company|firma)\b"
)
_WORDS = (
    ("EMAIL", re.compile(r"\b(?:e ?mails?|mail|correo|courriel|メール|почта|邮箱)\b")),
    (
        "PHONE",
        re.compile(r"\b(?:phones?|mobile|cell|tel|telephone|telefono?|telefone|handy|mobil|telefoon|телефон|電話|手机|电话)\b"),
    ),
)


def find_named(header: str) -> Named | None:
    """What a header names exactly, or None. `Email SHA256` names digests of e-mail addresses."""
    folded = fold_header(header)
    if _HASH_WORDS.search(folded):
        clear = find_named(_HASH_WORDS.sub("", folded)) if _HASH_WORDS.sub("", folded).strip() else None
        return Named(clear.key, clear.rank, hashed=True) if clear else None
    return _TABLE.get(folded)


def find_hinted(header: str) -> Named | None:
    """What a header's words hint at, to be confirmed by the column's content: `Guest phone (evening)` hints at PHONE."""
    folded = fold_header(header)
    if _NOT_A_VALUE.search(folded):
        return None
    return next((Named(key, 1_000) for key, words in _WORDS if words.search(folded)), None)


def refuses_value(header: str) -> bool:
    """Whether a header says that the column is about an address or number, not one itself: `Email opt-in date`, `Fax`."""
    return _NOT_A_VALUE.search(fold_header(header)) is not None
