import numpy as np
import pytest

from htr.alphabet import Alphabet
from htr.calibration import (
    Evidence,
    as_text,
    characters_of,
    collect,
    correct_characters,
    doubtful_share,
    fit_temperature,
    reliability,
    temperature_of,
)
from htr.errors import RecognitionError
from htr.header import read_header
from htr.shipped import SHIPPED_TEMPERATURES, default_model_path

ALPHABET = Alphabet(tuple(" ab"))


def correct(read, reference):
    return "".join("x" if right else "." for right in correct_characters(list(read), reference))


@pytest.mark.parametrize(
    ("read", "reference", "expected"),
    [
        ("abc", "abc", "xxx"),
        ("abd", "abc", "xx."),
        ("ac", "abc", "xx"),
        ("abbc", "abc", "xx.x|x.xx"),
        ("xabc", "abc", ".xxx"),
        ("", "abc", ""),
        ("abc", "", "..."),
        ("ba", "ab", ".x|x.|.."),
    ],
)
def test_characters_in_place_are_correct(read, reference, expected):
    assert correct(read, list(reference)) in expected.split("|")


@pytest.mark.parametrize("seed", range(5))
def test_as_many_characters_are_wrong_as_the_edit_distance_says(seed):
    rng = np.random.default_rng(seed)
    read, reference = (["abc"[i] for i in rng.integers(0, 3, size)] for size in (12, 9))
    from htr.metrics import edit_distance

    wrong = correct_characters(read, reference).count(False)
    missing = len(reference) - (len(read) - wrong)
    assert max(wrong, missing) <= edit_distance(read, reference) <= wrong + missing


def test_marks_belong_to_their_letter():
    assert characters_of("ae\u0301m\u0303") == ["a", "é", "m\u0303"]


def made_evidence(temperature, characters=20_000):
    """Characters that are right as often as softmax(logits / temperature) says."""
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(characters, 4)) * 3
    true = np.exp(logits / temperature)
    true /= true.sum(axis=1, keepdims=True)
    classes = logits.argmax(axis=1)
    right = rng.random(characters) < true[np.arange(characters), classes]
    return Evidence(logits, classes, right, np.zeros(characters, int))


@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.0])
def test_the_temperature_that_made_the_truth_is_found(temperature):
    evidence = made_evidence(temperature)
    found = fit_temperature(evidence)
    assert found == pytest.approx(temperature, rel=0.05)
    assert reliability(evidence.confidences(found), evidence.correct).error < 0.015


def test_calibration_error_is_the_mean_distance_of_the_bins():
    confidences = np.array([0.95, 0.95, 0.95, 0.95, 0.25, 0.25, 1.0])
    right = np.array([True, True, False, False, True, False, True])
    found = reliability(confidences, right)
    # 0.9-1.0: 5 characters, mean .96, .6 right; 0.2-0.3: 2 with .25, .5 right
    assert found.error == pytest.approx((5 * 0.36 + 2 * 0.25) / 7)
    assert [part.characters for part in found.bins] == [0, 0, 2, 0, 0, 0, 0, 0, 0, 5]
    assert "Expected calibration error 0.329 over 7 characters" in as_text(found)
    assert reliability(np.zeros(0), np.zeros(0, bool)).error == 0.0


def test_doubtful_lines_hold_their_share_of_the_errors():
    confidences = [0.9, 0.1, 0.8, 0.7, 0.6]
    assert doubtful_share(confidences, [1, 6, 1, 1, 1]) == 0.6
    assert doubtful_share(confidences, [0] * 5) == 0.0


def test_evidence_is_what_greedy_reading_gives():
    def logits(path):
        return np.log(np.eye(4)[path] * 0.9 + 0.025)

    lines = [(logits([1, 2, 2, 0, 3, 1]), "ab"), (logits([3]), "a"), (logits([0, 0]), "a")]
    found = collect(lines, ALPHABET)
    assert found.classes.tolist() == [2, 3, 3]  # no space at either end
    assert found.correct.tolist() == [True, True, False]
    assert found.line.tolist() == [0, 0, 1]
    assert found.confidences(1.0) == pytest.approx([0.925] * 3)
    with pytest.raises(RecognitionError, match="nothing can be calibrated"):
        collect([(logits([0]), "a")], ALPHABET)


@pytest.mark.parametrize("value", [None, True, "1.5", 0.0, -1, 1e9, float("nan"), [1]])
def test_a_temperature_that_makes_no_sense_counts_as_none(value):
    assert temperature_of({"name": "x", "created": "y", "metrics": {"temperature": value}}) == 1.0


def test_a_models_own_temperature_goes_before_that_of_the_shipped_one():
    ((name, created), shipped) = next(iter(SHIPPED_TEMPERATURES.items()))
    facts = {"name": name, "created": created, "metrics": {}}
    assert temperature_of(facts) == shipped
    assert temperature_of({**facts, "metrics": {"temperature": 1.5}}) == 1.5
    assert temperature_of({**facts, "created": "later"}) == 1.0
    assert temperature_of({}) == 1.0


def test_the_shipped_file_holds_its_temperature_itself():
    header = read_header(default_model_path())
    assert 1.0 < float(header.metrics["temperature"]) < 1.5  # it is surer than it is right
    assert (header.name, header.created) not in SHIPPED_TEMPERATURES


def test_characters_of_a_whole_text_are_compared_one_by_one():
    assert correct_characters("abxd", "abcd") == [True, True, False, True]
    assert correct_characters(list("ab"), "aab") == [True, True]
