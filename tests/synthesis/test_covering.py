"""Covering texts hold what they are asked to hold, in places where it stands in real text."""

from __future__ import annotations

import numpy as np
import pytest

from synthesis.covering import covering_text


def texts(characters: str, count: int = 30) -> list[str]:
    return [covering_text(np.random.default_rng(seed), characters) for seed in range(count)]


@pytest.mark.parametrize("character", "ßþÅøœſ§€«”…{~|%9")
def test_every_text_holds_the_only_character_asked_for(character: str) -> None:
    assert all(character in text for text in texts(character))


def test_brackets_mostly_come_in_pairs() -> None:
    counts = [(text.count("«"), text.count("»")) for text in texts("«»")]
    paired = sum(2 * min(pair) for pair in counts)
    assert paired > 0.6 * sum(map(sum, counts))


def test_signs_of_money_and_sections_stand_beside_numbers() -> None:
    assert all(any(c.isdigit() for c in text) for text in texts("€§"))


def test_letters_take_the_place_of_their_plain_ones() -> None:
    """Nothing is inserted: å stands where an a stood."""
    plain = [text.lower().replace("å", "a") for text in texts("å")]
    assert any(word.isascii() for text in plain for word in text.split())
    assert all("å" in text.lower() for text in texts("å"))


def test_same_seed_gives_the_same_text() -> None:
    assert texts("å€")[:3] == texts("å€")[:3]


def test_without_characters_it_is_plain_prose() -> None:
    assert all(text for text in texts(""))
