"""Greedy CTC: which text, how sure, and where on the line image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from htr.alphabet import Alphabet
from htr.decode import EMPTY_TRANSCRIPT, Transcript, decode_lines, line_confidence, spans_px
from htr.errors import RecognitionError

LETTERS = Alphabet((" ", "a", "b", "c"))


def logits(steps: str, alphabet: Alphabet = LETTERS, probability: float = 0.97) -> np.ndarray:
    """Return logits (T, V) whose best class at each step is the character; "-" is the blank."""
    classes = [0 if s == "-" else alphabet.characters.index(s) + 1 for s in steps]
    other = (1 - probability) / (alphabet.classes - 1)
    scores = np.full((len(steps), alphabet.classes), np.log(other), np.float32)
    scores[np.arange(len(steps)), classes] = np.log(probability)
    return scores


def decode(steps: str, line_px: int = 0, crop_px: int = 0) -> Transcript:
    line_px = line_px or 4 * len(steps)
    return decode_lines(logits(steps)[None], LETTERS, [line_px], [crop_px or line_px])[0]


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ("aab", "ab"),
        ("a-a", "aa"),
        ("--a--", "a"),
        ("aaaa", "a"),
        ("-----", ""),
        ("ab-ba", "abba"),
        ("a b", "a b"),
        (" -a- - -b- ", "a b"),
        ("- - ", ""),
    ],
)
def test_repeats_collapse_blanks_and_loose_spaces_drop(steps: str, text: str) -> None:
    transcript = decode(steps)
    assert transcript.text == text
    assert "".join(character.text for character in transcript.characters) == text


def test_what_else_a_character_may_be_is_kept_the_likeliest_first() -> None:
    scores = logits("-a--b-", probability=0.97)
    scores[1] = np.log([0.07, 0.01, 0.59, 0.3, 0.03])  # blank, space, a, b, c
    first, second = decode_lines(scores[None], LETTERS, [24], [24])[0].characters
    assert [text for text, _ in first.others] == ["b", "", "c"]
    assert [chance for _, chance in first.others] == pytest.approx([0.3, 0.07, 0.03], abs=1e-4)
    assert second.others == ()  # nothing else is likelier than one in fifty


def test_what_else_comes_from_the_surest_step_of_the_character() -> None:
    scores = logits("aa")
    scores[0] = np.log([0.05, 0.05, 0.5, 0.35, 0.05])
    scores[1] = np.log([0.05, 0.05, 0.6, 0.05, 0.25])
    (character,) = decode_lines(scores[None], LETTERS, [8], [8])[0].characters
    assert character.confidence == pytest.approx(0.6, abs=1e-4)
    assert character.others[0] == ("c", pytest.approx(0.25, abs=1e-4))


def test_lines_of_a_batch_do_not_run_into_each_other() -> None:
    batch = np.stack([logits(steps) for steps in ("--aa", "aab-", "----", "b-- ", " -cc")])
    read = decode_lines(batch, LETTERS, [16] * 5, [16] * 5)
    assert [transcript.text for transcript in read] == ["a", "ab", "", "b", "c"]
    assert read[2] == EMPTY_TRANSCRIPT


def test_no_lines_give_no_transcripts() -> None:
    assert decode_lines(np.zeros((0, 4, 5), np.float32), LETTERS, [], []) == []


def test_confidence_of_a_character_is_its_best_step() -> None:
    scores = logits("aa-b")
    scores[0] = logits("a", probability=0.4)[0]
    scores[3] = logits("b", probability=0.5)[0]
    read = decode_lines(scores[None], LETTERS, [16], [16])[0]
    assert [c.confidence for c in read.characters] == pytest.approx([0.97, 0.5], abs=1e-5)
    assert read.confidence == pytest.approx(line_confidence(np.array([0.97, 0.5])), abs=1e-5)


def test_confidence_does_not_depend_on_the_level_of_the_logits() -> None:
    high = decode_lines(logits("ab")[None] + 1e4, LETTERS, [8], [8])[0]
    assert [c.confidence for c in high.characters] == pytest.approx([0.97, 0.97], abs=1e-3)


def test_empty_line_has_confidence_zero() -> None:
    assert decode("----") == Transcript("", 0.0, ())


def test_spans_meet_at_the_midpoints_between_spikes() -> None:
    # spikes at steps 2, 6 and 9: gaps of 3 and 2 steps; the median half gap is 1.25 steps
    characters = decode("--a---b--c----").characters
    assert [(c.start_px, c.end_px) for c in characters] == [(3.0, 18.0), (18.0, 32.0), (32.0, 45.0)]


def test_spans_are_in_px_of_the_crop_given() -> None:
    (character,) = decode("----a---", line_px=32, crop_px=320).characters
    assert (character.start_px, character.end_px) == (80.0, 280.0)


def test_characters_read_in_the_padding_stay_on_the_crop() -> None:
    characters = decode("a--------b-c", line_px=12).characters
    assert characters[-1].end_px == 12
    assert all(c.start_px < c.end_px for c in characters)


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(1, 4)), min_size=1, max_size=60),
    st.integers(1, 512),
    st.integers(1, 4000),
)
def test_spans_are_ordered_within_the_crop(
    runs: list[tuple[int, int]], line_px: int, crop_px: int
) -> None:
    gaps, lengths = np.array(runs).T
    start = np.cumsum(gaps + lengths) - lengths
    spans = spans_px(start, start + lengths, line_px, crop_px)
    assert (spans[:, 0] < spans[:, 1]).all()
    assert (spans[1:, 0] == spans[:-1, 1]).all()
    assert spans[0, 0] >= 0
    assert spans[-1, 1] <= crop_px + 1e-9


def test_combining_mark_joins_its_letter() -> None:
    alphabet = Alphabet(("o", "m", "\u0308", "\u0304"))
    read = decode_lines(logits("o\u0308-m\u0304--", alphabet)[None], alphabet, [28], [28])[0]
    assert read.text == "\u00f6m\u0304"
    assert [c.text for c in read.characters] == ["\u00f6", "m\u0304"]
    assert read.characters[0].end_px == read.characters[1].start_px


def test_sign_that_was_learned_as_an_entity_is_read_as_the_sign() -> None:
    alphabet = Alphabet(tuple(" &;abmp"))
    steps = "a &amp; b&am;"
    width_px = 4 * len(steps)
    scores = logits(steps, alphabet, probability=0.9)[None]
    (transcript,) = decode_lines(scores, alphabet, [width_px], [width_px])
    assert transcript.text == "a & b&am;"
    sign = transcript.characters[2]
    assert (sign.text, sign.start_px, sign.end_px) == ("&", 8.0, 28.0)
    assert sign.confidence == pytest.approx(0.9, abs=1e-4)


def test_alphabet_of_another_model_is_refused() -> None:
    with pytest.raises(RecognitionError, match="alphabet of 4 characters needs"):
        decode_lines(np.zeros((1, 8, 7), np.float32), LETTERS, [32], [32])
