"""CER and WER: the numbers by which everything else is judged."""

from __future__ import annotations

import numpy as np
import pytest

from htr.metrics import (
    Interval,
    LineErrors,
    bootstrap_interval,
    cer,
    error_rate,
    line_errors,
    normalise,
    score,
    score_by_group,
    wer,
)


def test_edits_are_counted_by_character_and_by_word() -> None:
    assert line_errors("the cat sat", "the bat sat on") == LineErrors(4, 11, 2, 3)


def test_rates_are_over_all_lines_together_not_the_mean_of_lines() -> None:
    assert cer(["abcdefghi", "a"], ["abcdefghi", "b"]) == pytest.approx(1 / 10)
    assert wer(["a b c", "d"], ["a b c", "x"]) == pytest.approx(1 / 4)


def test_composed_and_decomposed_letters_are_equal() -> None:
    assert line_errors("\u00e9t\u00e9", "e\u0301te\u0301") == LineErrors(0, 3, 0, 1)


def test_white_space_counts_once_and_not_at_the_ends() -> None:
    assert normalise("  a\u00a0\t b\n") == "a b"
    assert line_errors("a b", " a   b ").character_edits == 0
    assert line_errors("a b", "ab") == LineErrors(1, 3, 2, 2)


def test_case_and_punctuation_count() -> None:
    assert line_errors("Yes.", "yes") == LineErrors(2, 4, 1, 1)


def test_rate_may_exceed_one() -> None:
    assert cer(["a"], ["xyz"]) == 3.0


def test_rate_without_reference_is_defined() -> None:
    assert error_rate(0, 0) == 0.0
    assert error_rate(3, 0) == 1.0
    assert score([]).cer == 0.0


def test_missing_reading_is_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        cer(["a", "b"], ["a"])


def test_groups_are_scored_apart_in_order_of_name() -> None:
    errors = [line_errors("aa", "ab"), line_errors("cc", "cc"), line_errors("aa", "bb")]
    scores = score_by_group(errors, ["z", "m", "z"])
    assert list(scores) == ["m", "z"]
    assert (scores["z"].lines, scores["z"].characters, scores["z"].cer) == (2, 4, 0.75)
    assert scores["m"].cer == 0.0


def interval(edits, lengths, groups=None, **settings) -> Interval:
    return bootstrap_interval(edits, lengths, np.random.default_rng(7), groups, **settings)


def test_interval_covers_what_the_normal_approximation_says() -> None:
    rng = np.random.default_rng(3)
    edits = rng.binomial(20, 0.3, 400)
    found = interval(edits, [20] * 400)
    half = 1.96 * edits.std() / 20 / 20  # of a mean of 400 lines, each over 20 characters
    assert found.low == pytest.approx(edits.mean() / 20 - half, abs=0.002)
    assert found.high == pytest.approx(edits.mean() / 20 + half, abs=0.002)


def test_same_seed_gives_the_same_interval() -> None:
    assert interval([1, 0, 5], [9, 9, 9]) == interval([1, 0, 5], [9, 9, 9])


def test_lines_of_one_page_are_drawn_together() -> None:
    edits, lengths = [0] * 50 + [5] * 50, [10] * 100
    pages = [f"page {n // 10}" for n in range(100)]
    by_line, by_page = interval(edits, lengths), interval(edits, lengths, pages)
    assert by_page.high - by_page.low > 2 * (by_line.high - by_line.low)
    assert by_page.low < 0.25 < by_page.high


def test_one_page_gives_no_spread() -> None:
    assert interval([1, 3], [10, 10], ["p", "p"]) == Interval(0.2, 0.2)


def test_wider_level_gives_a_wider_interval() -> None:
    edits, lengths = list(range(10)), [20] * 10
    narrow, wide = interval(edits, lengths, level=0.5), interval(edits, lengths, level=0.99)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_interval_of_no_lines_is_zero() -> None:
    assert interval([], []) == Interval(0.0, 0.0)


@pytest.mark.parametrize(
    ("reference", "reading"),
    [
        ("", ""),
        ("a", ""),
        ("", "abc"),
        ("kitten", "sitting"),
        ("œuvre ẽ", "oeuvre e"),
        ("ab", "ba"),
    ],
)
def test_both_libraries_compute_the_same_distance(reference: str, reading: str) -> None:
    editdistance = pytest.importorskip("editdistance")  # has no package for Python 3.13
    from rapidfuzz.distance import Levenshtein

    assert editdistance.eval(reference, reading) == Levenshtein.distance(reference, reading)
    words, others = reference.split(), reading.split()
    assert editdistance.eval(words, others) == Levenshtein.distance(words, others)
