"""STOP and its kin: the whole message, in twenty languages, however it is written."""

import pytest

from guestlist.domain.keywords import HELP, START, STOP, Word, find_word, fold

TABLES = ((Word.STOP, STOP), (Word.HELP, HELP), (Word.START, START))


@pytest.mark.parametrize(("meaning", "table"), TABLES)
def test_every_word_of_the_tables_is_found(meaning: Word, table) -> None:
    assert len(table) == 20
    for language, words in table.items():
        for word in words:
            for written in (word, word.upper(), f"  {word}. ", f"«{word.title()}»!"):
                assert find_word(written) is meaning, (language, written)


def test_no_word_means_two_things() -> None:
    seen: dict[str, Word] = {}
    for meaning, table in TABLES:
        for words in table.values():
            for word in words:
                assert seen.setdefault(fold(word), meaning) is meaning, word


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stop!!!",
        "Stop 🛑",
        "arrêt",
        "ARRÊTER",
        "Дура стоп"[5:],
        "ＳＴＯＰ",
        "abonelİkten çık",
        "DỪNG",
        "dừng lại",
        "إيقاف",
        "أوقف",
        "Διακοπή",
        "s\u0301top",
    ],
)
def test_accents_case_and_signs_do_not_matter(text: str) -> None:
    assert find_word(text) is Word.STOP


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "stop by tomorrow",
        "please stop",
        "don't stop",
        "nonstop",
        "unstoppable",
        "stop" * 20,
        "1",
        "?",
        "🛑",
        "st op",
        "I need help",
        "started",
    ],
)
def test_a_word_within_a_sentence_is_none(text: str) -> None:
    assert find_word(text) is None


def test_other_signs_around_it_are_not_part_of_it() -> None:
    assert fold(" “Stop”… ") == "stop"
    assert find_word("m’abonner") is Word.START
