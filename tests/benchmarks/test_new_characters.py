"""The hands of the benchmark of new letters: which fonts can be one, and which lines are drawn."""

from __future__ import annotations

import pytest

from benchmarks.new_characters import LANGUAGES, LEARN, TEST, font_of, lines_of
from benchmarks.pages import BenchmarkError
from htr.shipped import default_model_path
from synthesis.font import fonts
from training.growth import missing_characters
from training.trainable import load_trainable


def test_font_without_the_letters_is_no_hand() -> None:
    with pytest.raises(BenchmarkError, match="fetch_fonts"):
        font_of("meddon")


def test_fewer_lines_are_the_first_of_more_and_not_those_of_the_test() -> None:
    (font,) = [one for one in fonts() if one.name == "meddon"]
    few, more, test = (
        lines_of("cs", font, count, purpose)
        for count, purpose in ((2, LEARN), (4, LEARN), (4, TEST))
    )
    assert [line.text for line in few] == [line.text for line in more][:2]
    assert [line.text for line in more] != [line.text for line in test]


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_hold_letters_that_the_shipped_model_lacks(language: str) -> None:
    alphabet = load_trainable(default_model_path()).alphabet
    assert len(missing_characters(alphabet, LANGUAGES[language])) >= 8
