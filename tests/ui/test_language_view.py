"""What Settings says of the language model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from htr.language_file import Gain, read_gain
from htr.shipped import LANGUAGE
from services.language_model import LanguageFacts, LanguageState, gain_of_box
from services.services import Services
from tests.ui.training_runs import sleeping_services
from ui.language_view import language_answer, language_functions, language_words

MEASURED = LanguageFacts(
    built=1.0, lines=1234, test_lines=40, cer_before=0.35, cer_after=0.28, wer_before=0.76,
    wer_after=0.57,
)  # fmt: skip


def words_of(facts: LanguageFacts, box: Gain | None = None) -> str:
    """Return the words with plain spaces before the signs, which are kept on the line there."""
    return language_words(facts, box).replace("\N{NO-BREAK SPACE}%", " %")


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    opened = sleeping_services(tmp_path)
    yield opened
    opened.close()


def test_words_tell_what_it_brings() -> None:
    assert words_of(MEASURED) == (
        "Built from 1,234 corrected lines. On 40 lines kept aside it misreads 28.0 % of the "
        "characters instead of 35.0 %, 57.0 % of the words instead of 76.0 %."
    )


def test_words_are_plain_where_it_does_not_help() -> None:
    worse = LanguageFacts(built=1.0, lines=60, test_lines=12, cer_before=0.3, cer_after=0.31)
    assert "it does not help: with it 31.0 % of the characters are misread, without it 30.0 %" in (
        words_of(worse)
    )


def test_words_promise_nothing_that_was_not_measured() -> None:
    facts = LanguageFacts(built=1.0, lines=6, text_lines=2000)
    assert words_of(facts) == (
        "Built from 6 corrected lines and 2,000 lines of the chosen text. Too few lines are "
        "corrected to say what it brings."
    )
    assert words_of(LanguageFacts()) == "There is none yet."


def test_words_tell_what_the_one_in_the_box_brought_until_it_is_measured_here() -> None:
    box = Gain(150, 0.117, 0.0935, 0.36, 0.27)
    told = (
        "On 150 lines of French and English that it had never seen, the one in the box misread "
        "9.3 % of the characters instead of 11.7 %, 27.0 % of the words instead of 36.0 %."
    )
    assert words_of(LanguageFacts(), box) == (
        f"There is none yet. {told} It is built once you switch it on."
    )
    few = LanguageFacts(built=1.0, lines=6, box=True)
    assert words_of(few, box).endswith(f"Too few lines are corrected to say what it brings. {told}")
    assert told not in words_of(replace(few, box=False), box)
    assert told not in words_of(replace(MEASURED, box=True), box)


def test_box_is_told_of_only_where_the_model_in_use_writes_its_characters(
    services: Services,
) -> None:
    found = read_gain(LANGUAGE)
    assert found is not None
    characters, gain = found
    assert gain_of_box([*characters, "ẽ"]) == gain
    assert gain_of_box(characters[1:]) is None
    assert language_answer(services.language.state())["words"] == "There is none yet."


@pytest.mark.parametrize(
    ("lines", "text_lines", "source"),
    [
        (0, 0, ""),
        (60, 0, " and 60 corrected lines"),
        (0, 70, " and 70 lines of the chosen text"),
        (6, 7, ", 6 corrected lines and 7 lines of the chosen text"),
    ],
)
def test_words_name_what_is_in_the_box(lines: int, text_lines: int, source: str) -> None:
    facts = LanguageFacts(built=1.0, lines=lines, text_lines=text_lines, box=True)
    box = "Built from the French and English in the box"
    assert words_of(facts).startswith(f"{box}{source}. Too few")


def test_a_language_model_for_other_characters_is_told() -> None:
    told = language_answer(LanguageState(MEASURED, None, "", suits=False))
    assert "pages are read without it. Build it again." in told["trouble"]
    assert language_answer(LanguageState(MEASURED, 0.5, "", suits=True))["trouble"] == ""


def test_it_is_possible_where_there_is_one_or_something_in_the_box() -> None:
    box = Gain(150, 0.117, 0.0935, 0.36, 0.27)
    none = LanguageState(LanguageFacts(), None, "", suits=False)
    assert [
        language_answer(state)["possible"]
        for state in (none, replace(none, box=box), replace(none, facts=MEASURED))
    ] == [False, True, True]


def test_it_counts_as_on_while_it_is_built_to_be_read_with() -> None:
    building = LanguageState(LanguageFacts(), 0.3, "", suits=False, wanted=True)
    assert language_answer(building)["on"]
    assert not language_answer(replace(building, wanted=False))["on"]


def test_functions_answer_with_the_state_or_a_sentence(services: Services) -> None:
    ask = {function.__name__: function for function in language_functions(services)}
    assert ask["language"]({})["built"] is False
    assert "does not say on or off" in ask["switch_language"]({})["error"]
    assert "has no text" in ask["choose_language_text"]({"name": "t"})["error"]
    chosen = ask["choose_language_text"]({"name": "t.txt", "text": "a line"})
    assert chosen["text_name"] == "t.txt"
    services.language._share = 0.25
    assert ask["language"]({})["share"] == 0.25
    assert "being built already" in ask["build_language"]({})["error"]
