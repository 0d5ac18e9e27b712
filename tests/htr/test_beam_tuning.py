import numpy as np
import pytest

from htr.beam import BeamSettings
from htr.beam_tuning import tune_beam
from htr.character_counts import build_character_model
from htr.errors import RecognitionError


def doubtful_lines(texts, characters):
    """Lines on which b and c look alike: the network takes c a little too often."""
    lines = []
    for text in texts:
        rows = []
        for character in text:
            row = np.full(len(characters) + 1, 0.01)
            row[characters.index(character) + 1] += 0.5
            if character == "b":
                row[characters.index("c") + 1] += 0.55
            rows += [row / row.sum(), np.eye(len(row))[0] * 0.96 + 0.01]
        lines.append(np.log(np.array(rows)).astype(np.float32))
    return lines


TEXTS = ["abab", "ab ab", "aab", "abaab"]
LANGUAGE = build_character_model(["ab", "abab", "ab ab", "ab aab"] * 3, tuple(" abc"))


def test_tuning_finds_what_the_language_model_is_worth():
    shares = []
    tuning = tune_beam(
        doubtful_lines(TEXTS, " abc"), TEXTS, LANGUAGE, "ppqq", progress=shares.append
    )
    assert tuning.greedy.cer > 0.3
    assert (tuning.beam.cer, tuning.beam.lines) == (0.0, 4)
    assert tuning.settings.weight >= 0.1
    assert shares[-1] == 1.0


def test_no_line_is_scored_with_settings_that_it_chose():
    # Opposite halves: what is best for one spoils the other, and an honest score shows it.
    texts = ["abab", "acac"]
    lines = doubtful_lines(["abab", "abab"], " abc")
    tuning = tune_beam(lines, texts, LANGUAGE, ["p", "q"])
    best = tune_beam(lines[:1], texts[:1], LANGUAGE).beam.cer
    assert best == 0.0
    assert tuning.beam.cer > 0.0


def test_other_settings_are_kept():
    tuning = tune_beam(
        doubtful_lines(TEXTS, " abc"), TEXTS, LANGUAGE, settings=BeamSettings(width=3, classes=4)
    )
    assert (tuning.settings.width, tuning.settings.classes) == (3, 4)


def test_lines_of_another_alphabet_and_no_lines_are_refused():
    with pytest.raises(RecognitionError, match="another alphabet"):
        tune_beam([np.zeros((3, 9))], ["a"], LANGUAGE)
    with pytest.raises(RecognitionError, match="no line to choose"):
        tune_beam([], [], LANGUAGE)
