"""Text becomes classes and text again; what cannot be written is named, never dropped."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from htr.alphabet import Alphabet, UnknownCharacter
from htr.convert import published_alphabets
from htr.errors import AlphabetError, UnknownCharacterError

LETTERS = Alphabet(tuple(" abcé"))
READ2016 = published_alphabets()["read2016"]
MACRON, DIAERESIS = "\u0304", "\u0308"


def test_class_zero_is_blank_and_characters_follow() -> None:
    assert LETTERS.classes == 6
    assert LETTERS.encode("a cé") == [2, 1, 4, 5]
    assert LETTERS.decode([2, 0, 1, 4, 4, 5]) == "a ccé"
    assert LETTERS.encode("") == []


def test_decomposed_text_is_read_as_nfc() -> None:
    assert LETTERS.encode("e\u0301") == [5]


def test_unknown_character_is_named_with_code_point_and_position() -> None:
    with pytest.raises(UnknownCharacterError) as caught:
        LETTERS.encode("aba\u00f1bx")
    assert (caught.value.character, caught.value.position) == ("ñ", 3)
    assert str(caught.value) == (
        "Character 'ñ' (U+00F1 LATIN SMALL LETTER N WITH TILDE) at position 3 (1 more follow) is "
        "not among the 5 characters of the model. Correct the text, or train a model with this "
        "character."
    )


def test_unknown_lists_every_place() -> None:
    assert LETTERS.unknown("xa\nx") == [
        UnknownCharacter("x", 0),
        UnknownCharacter("\n", 2),
        UnknownCharacter("x", 3),
    ]
    assert LETTERS.unknown("abé") == []


def test_positions_count_in_the_nfc_text() -> None:
    # as typed, the x is the fourth code point; in NFC it is the third
    assert LETTERS.unknown("ae\u0301x") == [UnknownCharacter("x", 2)]


def test_letter_missing_from_read2016_is_spelled_with_a_mark() -> None:
    x, macron = READ2016.encode("x")[0], READ2016.encode(MACRON)[0]
    assert READ2016.encode("x" + MACRON) == [x, macron]
    # U+012B, i with macron, has a code point of its own but no class
    assert READ2016.encode("\u012b") == [READ2016.encode("i")[0], macron]
    assert READ2016.decode(READ2016.encode("\u012b")) == "\u012b"


def test_precomposed_letter_of_read2016_keeps_its_own_class() -> None:
    assert READ2016.encode("u" + DIAERESIS) == [READ2016.characters.index("ü") + 1]
    assert READ2016.encode("ā") == [READ2016.characters.index("ā") + 1]


def test_two_marks_are_spelled_from_the_longest_known_prefix() -> None:
    # U+01D6 is u with diaeresis and macron
    expected = [READ2016.characters.index(c) + 1 for c in ("ü", MACRON)]
    assert READ2016.encode("\u01d6") == expected
    assert READ2016.decode(expected) == "\u01d6"


def test_letter_whose_mark_is_missing_is_unknown_as_a_whole() -> None:
    assert READ2016.unknown("né") == [UnknownCharacter("é", 1)]


def test_entry_stored_decomposed_matches_nfc_text() -> None:
    alphabet = Alphabet(("a", "e\u0301"))
    assert alphabet.encode("\u00e9") == [2]
    assert alphabet.decode([2]) == "\u00e9"


def test_longest_entry_wins() -> None:
    alphabet = Alphabet(("q", "\u0303", "q\u0303"))
    assert alphabet.encode("q\u0303q") == [3, 1]


def test_composed_entry_wins_over_its_equivalent() -> None:
    assert Alphabet(("\u212b", "\u00c5")).encode("\u00c5") == [2]


def test_class_outside_the_alphabet_is_refused() -> None:
    for number in (6, -1):
        with pytest.raises(AlphabetError, match=f"Class {number} is outside the alphabet"):
            LETTERS.decode([number])


@pytest.mark.parametrize(
    ("characters", "message"),
    [
        ((), "The alphabet is empty"),
        (("a", "b", "a"), "'a' stands twice in the alphabet, at positions 0 and 2"),
        (("a", ""), "Entry 1 of the alphabet has 0 code points"),
        (("x" * 9,), "Entry 0 of the alphabet has 9 code points"),
        ((3,), "Entry 0 of the alphabet is int, expected text"),
        (("\n",), "Entry 0 of the alphabet is U+000A, which cannot be written on a line"),
        (("\ud800",), "U+D800"),
        (tuple(chr(0x4E00 + i) for i in range(20_001)), "20,001 characters; the limit is 20,000"),
    ],
)
def test_impossible_alphabets_are_refused(characters: tuple[str, ...], message: str) -> None:
    with pytest.raises(AlphabetError) as caught:
        Alphabet(characters)
    assert message in str(caught.value)


def test_published_alphabets_have_the_published_sizes() -> None:
    sizes = {name: len(alphabet.characters) for name, alphabet in published_alphabets().items()}
    assert sizes == {"iam": 79, "lam": 90, "read2016": 89, "vnondb": 161}


@pytest.mark.parametrize("name", ["iam", "lam", "read2016", "vnondb"])
def test_every_published_character_has_its_own_class(name: str) -> None:
    alphabet = published_alphabets()[name]
    for index, character in enumerate(alphabet.characters):
        assert alphabet.encode(character) == [index + 1]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=[*READ2016.characters, "x", "\u01d6", "\u0113"], max_size=20))
def test_decoding_undoes_encoding(text: str) -> None:
    assert READ2016.decode(READ2016.encode(text)) == unicodedata.normalize("NFC", text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=20))
def test_every_character_is_either_written_or_reported_in_its_place(text: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    reported = LETTERS.unknown(text)
    assert all(composed[entry.position] == entry.character for entry in reported)
    places = {entry.position for entry in reported}
    written = "".join(c for place, c in enumerate(composed) if place not in places)
    assert LETTERS.unknown(written) == []
    assert len(LETTERS.encode(written)) == len(written)
