"""A pasted transcription, cut into the lines of the page."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange import ExchangeError
from exchange.alignment import align_text, likeness

TRUE = (
    "Le vingt trois avril mil huit cent",
    "quatre vingt deux par devant nous",
    "Maire de la commune est comparu",
    "Jean Baptiste Martin agriculteur âgé",
    "de trente ans lequel nous a présenté",
    "un enfant du sexe masculin né hier",
)


def misread(text: str, share: float, seed: int = 3) -> str:
    """The text with so many of its letters read as others."""
    draw = random.Random(seed)
    return "".join(
        draw.choice("aeinrstu") if c != " " and draw.random() < share else c for c in text
    )


READ = tuple(misread(line, 0.25, number) for number, line in enumerate(TRUE))


def test_lines_of_the_page_are_matched_as_they_are() -> None:
    found = align_text(READ, "\n".join(TRUE))
    assert [line.text for line in found.lines] == list(TRUE)
    assert found.kept_lines
    assert found.left_over == ()


def test_what_the_page_has_no_line_for_is_left_over() -> None:
    pasted = ["Acte no. 57", *TRUE[:3], "[signatures]", "and a note by the editor", *TRUE[3:]]
    found = align_text(READ, "\n\n".join(pasted))
    assert [line.text for line in found.lines] == list(TRUE)
    assert found.left_over == ("Acte no. 57", "[signatures]", "and a note by the editor")


def test_line_that_the_transcription_lacks_stays_empty() -> None:
    found = align_text(READ, "\n".join(TRUE[:2] + TRUE[3:]))
    assert [line.text for line in found.lines] == [*TRUE[:2], "", *TRUE[3:]]
    assert found.lines[2].likeness == 0


def test_misread_line_between_matched_ones_gets_the_line_between() -> None:
    readings = [*READ[:2], "zzzz", *READ[3:]]
    found = align_text(readings, "\n".join(TRUE))
    assert found.lines[2].text == TRUE[2]
    assert found.lines[2].likeness < 0.2


@pytest.mark.parametrize("words_a_line", [3, 10, 100])
def test_text_with_other_lines_is_cut_where_the_lines_of_the_page_end(words_a_line: int) -> None:
    words = " ".join(TRUE).split()
    pasted = "\n".join(
        " ".join(words[at : at + words_a_line]) for at in range(0, len(words), words_a_line)
    )
    found = align_text(READ, pasted)
    assert [line.text for line in found.lines] == list(TRUE)
    assert not found.kept_lines
    assert found.left_over == ()


def test_word_that_a_hyphen_parts_is_parted_in_the_text_too() -> None:
    readings = ["vive la Répu-", "blique et la liberte", "de tous"]
    found = align_text(readings, "vive la République et la liberté de tous")
    assert [line.text for line in found.lines] == [
        "vive la Répu-",
        "blique et la liberté",
        "de tous",
    ]


def test_passage_that_is_not_on_the_page_is_left_over_from_running_text() -> None:
    passage = "this whole long passage stands on another page of the book"
    pasted = " ".join(TRUE[:3]) + " " + passage + " " + " ".join(TRUE[3:])
    found = align_text(READ, pasted)
    assert found.left_over == (passage,)
    assert [line.text for line in found.lines] == list(TRUE)


def test_nothing_pasted_or_nothing_read_gives_empty_lines() -> None:
    assert [line.text for line in align_text(READ, " \n ").lines] == [""] * 6
    found = align_text(["", ""], "one\ntwo")
    assert [line.text for line in found.lines] == ["one", "two"]  # as many as there are
    assert align_text([], "one").left_over == ("one",)


def test_text_longer_than_a_page_is_refused() -> None:
    with pytest.raises(ExchangeError, match="200,001 characters; a page may have 200,000"):
        align_text(READ, "a" * 200_001)


def test_likeness_is_one_for_the_same_and_nought_for_other_letters() -> None:
    assert likeness("Anno  Domini", "anno domini ") == 1
    assert likeness("abc", "xyz") == 0
    assert likeness("", "a") == 0
    assert likeness("night", "nacht") == pytest.approx(6 / 12)


@given(
    readings=st.lists(st.text("ab -", max_size=12), max_size=6),
    pasted=st.text("ab -\n", max_size=60),
)
@settings(deadline=None)
def test_no_word_is_lost_or_made_up(readings: list[str], pasted: str) -> None:
    found = align_text(readings, pasted)
    assert len(found.lines) == len(readings)
    texts = [line.text for line in found.lines] + list(found.left_over)
    letters = sorted("".join(texts).replace(" ", "").replace("-", ""))
    assert letters == sorted("".join(pasted.split()).replace("-", ""))
