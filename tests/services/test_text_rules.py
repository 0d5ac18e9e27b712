"""Rules of writing: what they change, that doing it twice changes nothing more."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.text_rules import (
    DASHES,
    LONG_S,
    QUOTES,
    SPACES,
    TextRules,
    rules_from,
    rules_json,
    tidied,
)


@pytest.mark.parametrize(
    ("rules", "typed", "kept"),
    [
        (TextRules(), "e\u0303 “a”  —", "ẽ “a”  —"),
        (TextRules(quotes="straight"), "“l’an” «mil»", '"l\'an" "mil"'),
        (TextRules(quotes="curly"), '"l\'an" ("mil")', "“l’an” (“mil”)"),
        (TextRules(quotes="guillemets"), "“mot” et « mot »", "«mot» et « mot »"),
        (TextRules(quotes="low"), '"Wort" und', "„Wort“ und"),
        (TextRules(dashes="en"), "1914-1918 - fin -- et — là", "1914-1918 – fin – et – là"),
        (TextRules(dashes="hyphen"), "a – b", "a - b"),
        (TextRules(spaces="single"), " a\u00a0 b ", "a b"),
        (TextRules(long_s="round"), "ſaluſt", "salust"),
    ],
)
def test_rule_changes_just_what_it_says(rules: TextRules, typed: str, kept: str) -> None:
    assert tidied(typed, rules) == kept


def test_marks_with_spaces_within_keep_their_direction() -> None:
    said = "il dit « mot ». Puis « rien », « non » !"
    assert tidied(said, TextRules(quotes="guillemets")) == said
    assert tidied(said, TextRules(quotes="curly")).count("”") == 3


@example("« ", TextRules(quotes="curly"))
@example("“ ", TextRules(quotes="low"))
@given(
    st.text(st.sampled_from(" ab\"'“”„«»‘’—–-(e\u0303ſ\u00a0"), max_size=30),
    st.builds(
        TextRules,
        st.sampled_from(QUOTES),
        st.sampled_from(DASHES),
        st.sampled_from(SPACES),
        st.sampled_from(LONG_S),
    ),
)
def test_tidying_twice_changes_nothing_more(text: str, rules: TextRules) -> None:
    once = tidied(text, rules)
    assert tidied(once, rules) == once == unicodedata.normalize("NFC", once)


def test_unknown_rules_of_a_file_are_left_out() -> None:
    rules = rules_from({"quotes": "curly", "dashes": "wavy", "hats": 3})
    assert rules == TextRules(quotes="curly")
    assert rules_from(rules_json(rules)) == rules
