"""What a text costs: alphabets, lengths and segments, and how Unicode is said in GSM."""

import pytest

from guestlist.channels.sms.segments import BASIC, EXTENSION, Encoding, convert_to_gsm, is_gsm, measure

GSM, UCS2 = Encoding.GSM, Encoding.UCS2


def test_the_tables_are_the_standards() -> None:
    """GSM 03.38 has 128 places: one is the escape; behind it stand ten characters, the form feed among them."""
    assert (len(BASIC), len(set(BASIC)), len(EXTENSION), set(BASIC) & set(EXTENSION)) == (127, 127, 10, set())


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", GSM, 0, 0),
        ("a", GSM, 1, 1),
        ("a" * 160, GSM, 160, 1),
        ("a" * 161, GSM, 161, 2),
        ("a" * 306, GSM, 306, 2),
        ("a" * 307, GSM, 307, 3),
        ("€" * 80, GSM, 160, 1),
        ("€" * 81, GSM, 162, 2),
        ("a" * 152 + "€" + "a" * 152, GSM, 306, 3),  # the escape does not part from its character: 152, then 153, then 1
        ("à è ñ Ö ß Δ", GSM, 11, 1),
        ("ç", UCS2, 1, 1),  # only the capital is in the table
        ("ж" * 70, UCS2, 70, 1),
        ("ж" * 71, UCS2, 71, 2),
        ("ж" * 134, UCS2, 134, 2),
        ("ж" * 135, UCS2, 135, 3),
        ("🎉" * 35, UCS2, 70, 1),
        ("🎉" * 36, UCS2, 72, 2),
        ("ж" * 66 + "🎉" + "ж" * 66, UCS2, 134, 3),  # nor do the halves of an emoji
        ("a" * 159 + "’", UCS2, 160, 3),  # one pasted quote makes the whole text UCS-2
    ],
)
def test_a_text_is_counted(text: str, encoding: Encoding, units: int, segments: int) -> None:
    size = measure(text)
    assert (size.encoding, size.units, size.segments) == (encoding, units, segments)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello {you} [€5]", "Hello {you} [€5]"),
        ("“Don’t” – it’s 5 × 3…", "\"Don't\" - it's 5 x 3..."),
        ("çà et là, façade", "cà et là, facade"),
        ("Łódź, Dvořák, Erdős, Çeşme", "Lodz, Dvorak, Erdos, Çesme"),
        ("½ litre, 5\u00a0km²", "1/2 litre, 5 km2"),
        ("e\u0301te\u0301", "été"),
        ("Ready 🎉!", "Ready ?!"),
        ("Привет", "??????"),
        ("ﬁne\u200b", "fine"),
        ("ALL™ ©2026", "ALLTM (c)2026"),
    ],
)
def test_unicode_is_said_in_gsm(text: str, said: str) -> None:
    assert convert_to_gsm(text) == said
    assert is_gsm(convert_to_gsm(text))


def test_every_character_can_be_said_somehow() -> None:
    """Whatever is pasted, what comes out is GSM: every character of the basic plane and a few beyond."""
    for number in [*range(1, 0xD800), *range(0xE000, 0x10000), *range(0x1F300, 0x1F700)]:
        assert is_gsm(convert_to_gsm(chr(number))), hex(number)
