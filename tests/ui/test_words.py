"""The catalogues: French and German have every sentence of the screens, and nothing else."""

from __future__ import annotations

import re

import pytest

from tests.ui.sentences import anywhere_in_server, in_pages, in_scripts, raised_by_server
from ui.static_files import LANGUAGES, catalogues

VALUE = re.compile(r"\{\d+\}")
CHOICE = re.compile(r"\[[^\[\]|]*(?:\|[^\[\]|]*)+\]")


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_sentence_of_the_screens_is_in_the_catalogue_and_no_other(language: str) -> None:
    known, used = set(catalogues()[language]["screens"]), in_scripts() | in_pages()
    assert used - known == set(), "these sentences have no translation"
    assert known - used == set(), "nobody says these sentences any more"


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_error_that_the_server_raises_is_in_the_catalogue(language: str) -> None:
    shapes = [_shape(key) for key in catalogues()[language]["server"]]
    missing = {
        sentence
        for sentence in raised_by_server()
        if not any(shape.fullmatch(sentence) for shape in shapes)
    }
    assert missing == set(), "these errors have no translation"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_has_no_sentence_that_the_server_cannot_say(language: str) -> None:
    texts = [_plain(text) for text in anywhere_in_server()]
    together, words = "\n".join(texts), set(re.findall(r"\w+", " ".join(texts)))
    unused = [
        key
        for key in catalogues()[language]["server"]
        for piece in re.split(r"\0", _plain(key))
        if not _is_said(piece.strip(" .,;:()"), together, words)
    ]
    assert unused == [], "nobody says these sentences any more"


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_have_the_values_of_their_sentences(language: str) -> None:
    for part in catalogues()[language].values():
        for sentence, translated in part.items():
            assert set(VALUE.findall(sentence)) == set(VALUE.findall(translated)), sentence
            assert translated.strip() == translated != "", sentence


@pytest.mark.parametrize("language", LANGUAGES)
def test_choices_by_number_have_two_forms_and_a_number_to_choose_by(language: str) -> None:
    for part in catalogues()[language].values():
        for sentence, translated in part.items():
            for choice in CHOICE.findall(translated):
                assert choice.count("|") == 1, translated
            if CHOICE.search(translated):
                assert VALUE.search(translated), translated
                assert VALUE.search(sentence), sentence


def test_all_languages_translate_the_same_sentences() -> None:
    french, german = (catalogues()[language] for language in ("fr", "de"))
    assert french["server"].keys() == german["server"].keys()


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", CHOICE.sub("\0", VALUE.sub("\0", text)))


def _is_said(piece: str, together: str, words: set[str]) -> bool:
    return piece in together or (
        piece.count(" ") < 4 and all(word in words for word in re.findall(r"\w+", piece))
    )


def _shape(key: str) -> re.Pattern[str]:
    return re.compile(".+?".join(re.escape(piece) for piece in VALUE.split(key)))
