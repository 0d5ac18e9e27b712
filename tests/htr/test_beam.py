from itertools import product

import numpy as np
import pytest

from htr.beam import BeamSearch, BeamSettings, align, log_softmax
from htr.character_counts import build_character_model

WIDE = BeamSettings(width=200, weight=0.5, bonus=0.0, classes=10, least=-50.0)


def search(rows, language, settings):
    return BeamSearch(language, settings).search(rows)


def collapsed(path):
    return tuple(c for i, c in enumerate(path) if c and (i == 0 or path[i - 1] != c))


def best_by_trying_all(log_probabilities, gain):
    steps, classes = log_probabilities.shape
    totals = {}
    for path in product(range(classes), repeat=steps):
        score = sum(log_probabilities[t, c] for t, c in enumerate(path))
        text = collapsed(path)
        totals[text] = np.logaddexp(totals.get(text, -np.inf), score)
    return max(totals, key=lambda text: totals[text] + gain(text))


@pytest.mark.parametrize("seed", range(12))
def test_a_wide_search_finds_the_likeliest_text(seed):
    values = np.random.default_rng(seed).normal(size=(5, 4)) * 2
    rows = log_softmax(values)
    assert search(rows, None, WIDE) == best_by_trying_all(rows, lambda text: 0.0)


@pytest.mark.parametrize("seed", range(12))
def test_a_wide_search_weighs_the_language_model_as_told(seed):
    language = build_character_model(["ab", "abab", "ca"], "abc", order=3)
    rows = log_softmax(np.random.default_rng(seed).normal(size=(5, 4)) * 2)
    settings = BeamSettings(width=400, weight=0.7, bonus=0.3, classes=10, least=-50.0)

    def gain(text):
        total, context = 0.0, language.start()
        for number in text:
            total += settings.weight * language.log_probabilities(context)[number - 1]
            total += settings.bonus
            context = (*context, number - 1)
        return total + settings.weight * language.log_probabilities(context)[-1]

    assert search(rows, language, settings) == best_by_trying_all(rows, gain)


def test_the_language_model_decides_between_letters_that_look_alike():
    language = build_character_model(["abab"] * 5, "abc", order=3)
    sure = np.log([0.02, 0.94, 0.02, 0.02])
    doubtful = np.log([0.02, 0.02, 0.47, 0.49])  # c a little likelier than b
    rows = np.stack([sure, doubtful])
    assert search(rows, None, BeamSettings()) == (1, 3)
    assert search(rows, language, BeamSettings()) == (1, 2)


def test_doubled_letters_need_a_blank_between_them():
    twice = np.log([[0.01, 0.98, 0.01], [0.98, 0.01, 0.01], [0.01, 0.98, 0.01]])
    once = np.log([[0.01, 0.98, 0.01], [0.01, 0.98, 0.01], [0.01, 0.98, 0.01]])
    assert search(twice, None, BeamSettings()) == (1, 1)
    assert search(once, None, BeamSettings()) == (1,)


def test_an_empty_line_is_an_empty_text():
    assert search(np.log(np.full((3, 2), [0.99, 0.01])), None, BeamSettings()) == ()
    assert search(np.zeros((0, 3)), None, BeamSettings()) == ()


@pytest.mark.parametrize("seed", range(8))
def test_alignment_is_the_likeliest_path_of_the_text(seed):
    rows = log_softmax(np.random.default_rng(seed).normal(size=(6, 4)) * 2)
    text = (1, 2, 2)
    paths = [p for p in product(range(4), repeat=6) if collapsed(p) == text]
    best = max(paths, key=lambda p: sum(rows[t, c] for t, c in enumerate(p)))
    spans = align(rows, text)
    assert [best[start] for start, _ in spans] == list(text)
    covered = [t for start, end in spans for t in range(start, end)]
    assert covered == [t for t, c in enumerate(best) if c]


def test_alignment_of_an_empty_text_has_no_spans():
    assert align(np.log(np.full((4, 2), 0.5)), ()) == []


def test_a_search_gives_the_same_again_whatever_it_searched_before():
    language = build_character_model(["ab", "abab", "ca"], "abc", order=4)
    beam = BeamSearch(language, BeamSettings(width=3))
    lines = [log_softmax(np.random.default_rng(seed).normal(size=(30, 4))) for seed in range(5)]
    first = [beam.search(rows) for rows in lines]
    assert [beam.search(rows) for rows in reversed(lines)] == first[::-1]
    assert [BeamSearch(language, BeamSettings(width=3)).search(rows) for rows in lines] == first


def test_a_very_long_line_stays_within_the_range_of_numbers():
    language = build_character_model(["a" * 9, "b"], "abc", order=3)
    rows = log_softmax(np.tile([[0.0, 20.0, 0.0, 0.0], [20.0, 0.0, 0.0, 0.0]], (2000, 1)))
    assert search(rows, language, BeamSettings(weight=0.5, bonus=-1.0)) == (1,) * 2000
    assert search(rows, language, BeamSettings(weight=0.1, bonus=3.0)) == (1,) * 2000


def test_certain_steps_are_read_though_all_else_is_impossible():
    with np.errstate(divide="ignore"):
        rows = np.log(np.eye(4)[[1, 1, 0, 1, 3, 2]])
    language = build_character_model(["cab"], "abc", order=3)
    assert search(rows, language, BeamSettings()) == (1, 1, 3, 2)


def test_confidence_is_the_share_of_what_network_and_language_model_weigh_together():
    language = build_character_model(["abab"] * 5, "abc", order=3)
    settings = BeamSettings(weight=0.5, bonus=1.0)
    rows = [[0.02, 0.94, 0.02, 0.02], [0.02, 0.02, 0.47, 0.49]]
    spikes = BeamSearch(language, settings).find_spikes(np.log([rows]))
    assert spikes.classes.tolist() == [1, 2]
    weighed = np.array(rows[1])
    weighed[1:] *= np.exp(1.0) * language.probabilities((*language.start(), 0))[:-1] ** 0.5
    assert spikes.confidence[1] == pytest.approx(weighed[2] / weighed.sum())
    assert 0.47 < spikes.confidence[1] < spikes.confidence[0]
    assert (spikes.line.tolist(), spikes.start.tolist(), spikes.end.tolist()) == (
        [0, 0], [0, 1], [1, 2],
    )  # fmt: skip


def test_temperature_changes_confidences_and_never_the_text():
    language = build_character_model(["abab"] * 5, "abc", order=3)
    logits = np.random.default_rng(1).normal(size=(3, 40, 4)) * 3
    plain, soft = (BeamSearch(language).find_spikes(logits, t) for t in (1.0, 2.0))
    assert soft.classes.tolist() == plain.classes.tolist()
    assert soft.start.tolist() == plain.start.tolist()
    assert soft.confidence.mean() < plain.confidence.mean() - 0.05


def test_lines_without_text_have_no_spikes():
    logits = np.tile([9.0, 0.0, 0.0], (2, 6, 1))
    spikes = BeamSearch(None).find_spikes(logits)
    assert spikes.line.tolist() == spikes.classes.tolist() == []
