from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from synthesis.font import SynthesisError, fonts
from synthesis.letter import sample_letter
from synthesis.text import FOLDER, LANGUAGES, passages, sample_text, sample_words


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_passage_names_its_source(language: str) -> None:
    for passage in passages(language):
        assert passage.author and passage.work and passage.paragraphs
        assert passage.author == "own" or int(passage.year) < 1916
        assert passage.author != "own" or "Apache-2.0" in passage.work


def test_texts_are_20_to_40_kb() -> None:
    assert 20_000 <= sum(path.stat().st_size for path in FOLDER.glob("*.txt")) <= 40_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_nfc_and_every_font_but_kristi_writes_them(language: str) -> None:
    text = "".join(p for passage in passages(language) for p in passage.paragraphs)
    assert unicodedata.is_normalized("NFC", text)
    for font in fonts():
        assert font.name == "kristi" or font.covers(text), font.name


def test_sampled_text_is_about_as_long_as_asked_and_ends_with_a_whole_word() -> None:
    every_word = {w for p in passages("fr") for part in p.paragraphs for w in part.split()}
    for seed in range(20):
        text = sample_text(np.random.default_rng(seed), "fr", 500)
        assert 380 <= len(text) <= 510
        assert set(text.split()) <= every_word


def test_sampled_words_are_counted() -> None:
    assert len(sample_words(np.random.default_rng(1), "de", 7).split()) == 7


def test_same_seed_gives_the_same_letter() -> None:
    one, other = (sample_letter(np.random.default_rng(5), "es") for _ in range(2))
    assert one == other
    assert one != sample_letter(np.random.default_rng(6), "es")


def test_unknown_language_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SynthesisError, match="language 'tlh'. Choose: de, en, es, fr"):
        sample_text(np.random.default_rng(0), "tlh")
