"""The people of the sample list: where they live, what they are called, in which ranges they have numbers. Data only."""

from __future__ import annotations

from typing import NamedTuple


class Land(NamedTuple):
    """One country of the sample. In `ranges`, # stands for a random digit; `code` is dialled from abroad, `trunk` at home."""

    weight: int
    code: str
    trunk: str
    spellings: list[str]
    ranges: list[str]
    towns: list[tuple[str, str]]  # with their postcode
    first: list[str]
    last: list[str]


def _land(weight: int, code: str, trunk: str, *, spellings: str, ranges: str, towns: str, first: str, last: str) -> Land:
    """A land from lists written with bars; a town's postcode stands behind a slash."""
    pairs = [(town, postcode) for town, _, postcode in (one.partition("/") for one in towns.split("|"))]
    return Land(weight, code, trunk, spellings.split("|"), ranges.split("|"), pairs, first.split("|"), last.split("|"))


LANDS = (
    _land(
        30,
        "44",
        "0",
        spellings="UK|United Kingdom|GB|England|Great Britain|gb||",
        ranges="20 7946 0###|161 496 0###|117 496 0###|131 496 0###|121 496 0###|29 2018 0###",
        towns="London/SW1A 1AA|Manchester/M1 2AB|Bristol/BS1 4DJ|Edinburgh/EH1 1YZ|St. Albans/AL1 3JQ",
        first="Olivia|Harry|Amelia|Zoë|Siân|George|Mary Ann|Priya",
        last="Smith|O'Brien|Jones|Patel|Lloyd-Hughes|MacLeod",
    ),
    _land(
        16,
        "1",
        "",
        spellings="USA|United States|US|U.S.A.|us",
        ranges="(212) 555-01##|(415) 555-01##|(305) 555-01##|(617) 555-01##|(206) 555-01##",
        towns="New York/10001-2345|San Francisco/94105|Boston/02108|Boston/2108|St. Louis/63101",
        first="Emma|Liam|Noah|Ava|Luis|DeShawn|Chloe",
        last="Johnson|Garcia|Nguyen|Williams|Lee|Van Buren",
    ),
    _land(
        4,
        "1",
        "",
        spellings="Canada|CA|CAN",
        ranges="416-555-01##|604-555-01##",
        towns="Toronto/M5V 2T6|Montréal/H2X 1Y4",
        first="Sophie|Étienne|Liam",
        last="Tremblay|Roy|MacDonald",
    ),
    _land(
        16,
        "49",
        "0",
        spellings="Germany|Deutschland|DE|DEU|de",
        ranges="30 23125###|40 66969###|69 90009###|89 99998###|221 4710###",
        towns="Berlin/10115|München/80331|Köln/50667|Frankfurt am Main/60311",
        first="Jürgen|Anna|Björn|Käthe|Lukas|Heike",
        last="Müller|Schäfer|Weiß|von der Heide|Groß|Yılmaz",
    ),
    _land(
        9,
        "33",
        "0",
        spellings="France|FR|FRA|france",
        ranges="1 99 00 ## ##|2 61 91 ## ##|4 65 71 ## ##",
        towns="Paris/75001|Lyon/69002|Saint-Étienne/42000",
        first="Chloé|François|Jean-Luc|Zoé",
        last="Dupont|Lefèvre|D'Angelo",
    ),
    _land(
        5,
        "61",
        "0",
        spellings="Australia|AU|AUS",
        ranges="491 570 ###|2 5550 ####|3 7010 ####",
        towns="Sydney/2000|Melbourne/3000",
        first="Matilda|Jack",
        last="Murphy|Papadopoulos",
    ),
    _land(
        6,
        "34",
        "",
        spellings="Spain|España|ES",
        ranges="6## ## ## ##|91# ## ## ##",
        towns="Madrid/28013|A Coruña/15001",
        first="Sofía|José|María José|Íñigo",
        last="García|Núñez|de la Cruz",
    ),
    _land(
        5,
        "39",
        "",
        spellings="Italy|Italia|IT",
        ranges="06 4### ####|34# ### ####",
        towns="Roma/00184|Forlì/47121",
        first="Giulia|Niccolò",
        last="Rossi|D'Amico|De Luca",
    ),
    _land(
        4,
        "84",
        "0",
        spellings="Vietnam|Viet Nam|Việt Nam|VN",
        ranges="91 ### ## ##|98 ### ## ##",
        towns="Hà Nội/100000|Đà Nẵng/550000",
        first="Linh|Đức",
        last="Nguyễn|Trần",
    ),
    _land(
        3,
        "48",
        "",
        spellings="Poland|Polska|PL",
        ranges="60# ### ###|51# ### ###",
        towns="Kraków/30-001|Łódź/90-001",
        first="Łukasz|Żaneta",
        last="Kowalski|Wójcik",
    ),
    _land(
        3,
        "81",
        "0",
        spellings="Japan|JP|日本",
        ranges="90 1### ####|80 4### ####",
        towns="東京/100-0001|大阪/530-0001",
        first="太郎|さくら",
        last="山田|佐藤",
    ),
    _land(
        3,
        "30",
        "",
        spellings="Greece|Ελλάδα|GR",
        ranges="69# ### ####",
        towns="Αθήνα/105 57",
        first="Γιώργος|Ελένη",
        last="Παπαδόπουλος|Νικολάου",
    ),
    _land(
        3,
        "20",
        "0",
        spellings="Egypt|EG|مصر",
        ranges="10 0### ####|12 2### ####",
        towns="القاهرة/11511",
        first="محمد|فاطمة",
        last="حسن|علي",
    ),
)
"""Where the customers of a British shop with buyers abroad may live."""
