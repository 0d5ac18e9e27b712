from __future__ import annotations

import numpy as np
import pytest

from tests.training.corrected_lines import score, scores, train_line
from training.comparison import compare, score_lines
from training.errors import TrainingError


def test_lines_are_scored_as_the_metrics_define() -> None:
    lines = [train_line("line-1", "la lettre"), train_line("line-2", "du premier")]
    found = score_lines(lines, ["la letre", "du  premier "])
    assert [(one.key, one.character_edits, one.characters) for one in found] == [
        ("line-1", 1, 9),
        ("line-2", 0, 10),
    ]
    assert [(one.word_edits, one.words) for one in found] == [(1, 2), (0, 2)]


def test_rates_are_those_of_all_lines_together() -> None:
    before = [score("line-1", 10, characters=10), score("line-2", 0, characters=90)]
    after = [score("line-1", 5, characters=10), score("line-2", 0, characters=90)]
    found = compare(before, after)
    assert (found.cer_before, found.cer_after) == (0.10, 0.05)
    assert found.difference == pytest.approx(-0.05)


def test_the_same_scores_and_seed_give_the_same_numbers() -> None:
    before, after = scores([9, 8, 7, 9, 3, 4]), scores([3, 4, 7, 2, 3, 5])
    assert compare(before, after, seed=4) == compare(before, after, seed=4)
    assert compare(before, after, seed=4).p != compare(before, after, seed=5).p


def test_pages_are_drawn_where_there_are_five_of_them() -> None:
    four = [score(str(n), n, page=str(n % 4)) for n in range(20)]
    five = [score(str(n), n, page=str(n % 5)) for n in range(20)]
    assert (compare(four, four).unit, compare(four, four).pages) == ("lines", 4)
    assert (compare(five, five).unit, compare(five, five).pages) == ("pages", 5)


def test_a_clear_gain_is_proven_and_its_interval_leaves_out_zero() -> None:
    found = compare(scores([9, 8, 10, 9, 8, 9, 10, 8] * 4), scores([4, 3, 5, 5, 3, 4, 5, 2] * 4))
    assert found.p == pytest.approx(2 / 10_001)
    assert found.interval[1] < 0
    assert found.interval[0] < found.difference < found.interval[1]


def test_the_same_readings_prove_nothing() -> None:
    found = compare(scores([9, 8, 10] * 4), scores([9, 8, 10] * 4))
    assert (found.difference, found.interval, found.p) == (0.0, (0.0, 0.0), 1.0)
    assert found.lines_needed is None


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_lines_prove_nothing(count: int) -> None:
    found = compare(scores([20] * count), scores([0] * count))
    assert (found.p, found.interval) == (1.0, (-1.0, 1.0))


def test_five_pages_that_all_gain_a_little_at_very_different_size_prove_nothing() -> None:
    # Every resample gains, so percentiles alone would say p = 0.0002; Student's t says 0.2.
    found = compare(scores([11, 11, 11, 40, 11]), scores([10, 10, 10, 10, 10]))
    assert found.unit == "pages"
    assert found.p > 0.05


def test_more_lines_are_asked_for_the_smaller_and_the_more_scattered_a_gain_is() -> None:
    steady = compare(scores([9, 10, 9, 10] * 3), scores([8, 9, 9, 9] * 3))
    scattered = compare(scores([9, 10, 9, 10] * 3), scores([4, 14, 9, 8] * 3))
    assert steady.lines_needed is not None and scattered.lines_needed is not None
    assert steady.lines_needed < 12 < scattered.lines_needed
    assert compare(scores([9] * 12), scores([10] * 12)).lines_needed is None


def test_lines_needed_is_what_the_power_formula_says() -> None:
    # gains of 4 and 0 on lines of 40 characters: mean 2, deviation 2.09 with 12 lines
    found = compare(scores([9] * 12), scores([5, 9] * 6))
    expected = ((1.959964 + 0.841621) * np.std([4, 0] * 6, ddof=1) / 2) ** 2
    assert found.lines_needed == int(np.ceil(expected)) == 9


def test_models_that_read_different_lines_are_not_compared() -> None:
    with pytest.raises(TrainingError, match="did not read the same lines"):
        compare(scores([1, 2]), scores([1, 2, 3]))


@pytest.mark.parametrize(("pages", "lines"), [(1, 12), (5, 5), (8, 4)])
def test_models_that_read_alike_are_called_different_in_about_five_of_a_hundred_cases(
    pages: int, lines: int
) -> None:
    rng = np.random.default_rng(7)
    trials, significant = 600, 0
    for trial in range(trials):
        lengths = rng.integers(20, 60, pages * lines)
        hardness = rng.beta(2, 6, pages * lines)
        draws = [rng.binomial(lengths, hardness) for _ in range(2)]
        before, after = (
            [
                score(str(n), int(edits[n]), int(lengths[n]), page=str(n // lines))
                for n in range(pages * lines)
            ]
            for edits in draws
        )
        significant += compare(before, after, seed=trial, resamples=300).p < 0.05
    assert 0.025 < significant / trials < 0.075
