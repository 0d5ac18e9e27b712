from __future__ import annotations

from htr.alphabet import Alphabet
from tests.training.corrected_lines import corrected
from training.unknown_characters import unknown_characters

LATIN = Alphabet(tuple(" abcdefghijklmnopqrstuvwxyzé"))


def test_known_characters_are_not_listed() -> None:
    assert unknown_characters([corrected(1, "écrit de sa main")], LATIN) == []


def test_unknown_characters_come_with_count_name_and_examples() -> None:
    lines = [
        corrected(4, "la bõne main et le bõ droit"),
        corrected(5, "ſon père"),
        corrected(6, "bõ"),
    ]
    found = unknown_characters(lines, LATIN)
    assert [(one.character, one.count, one.lines) for one in found] == [
        ("õ", 3, 2),
        ("è", 1, 1),
        ("ſ", 1, 1),
    ]
    tilde = found[0]
    assert (tilde.code_point, tilde.name) == ("U+00F5", "LATIN SMALL LETTER O WITH TILDE")
    assert tilde.decomposed == ("o", "\u0303")
    assert (tilde.combining, tilde.combines_with) == (False, ())
    assert [(one.line_id, one.text[one.start]) for one in tilde.examples] == [(4, "õ"), (6, "õ")]
    assert tilde.is_rare


def test_decomposed_letters_are_counted_in_nfc() -> None:
    found = unknown_characters([corrected(1, "bo\u0303")], LATIN)
    assert [one.character for one in found] == ["õ"]


def test_a_mark_that_nfc_leaves_alone_tells_what_it_combines_with() -> None:
    lines = [corrected(1, "q\u0303 et q\u0303 ou m\u0303"), corrected(2, "q\u0303")]
    (mark,) = unknown_characters(lines, LATIN)
    assert (mark.character, mark.combining, mark.count) == ("\u0303", True, 4)
    assert mark.name == "COMBINING TILDE"
    assert mark.combines_with == (("q", 3), ("m", 1))


def test_a_letter_that_the_alphabet_can_spell_with_its_mark_is_known() -> None:
    spelling = Alphabet((*LATIN.characters, "\u0303"))
    assert unknown_characters([corrected(1, "bõne q\u0303")], spelling) == []


def test_examples_show_where_the_character_stands_in_a_long_line() -> None:
    (found,) = unknown_characters([corrected(1, "a" * 60 + "ñ" + "b" * 60)], LATIN)
    example = found.examples[0]
    assert example.text == "a" * 16 + "ñ" + "b" * 16
    assert example.text[example.start] == "ñ"
