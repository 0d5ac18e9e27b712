import json

import numpy as np
import pytest

from htr.character_model import (
    EDGE,
    build_character_model,
    load_character_model,
    save_character_model,
)
from htr.errors import RecognitionError

CHARACTERS = tuple(" abcq")


@pytest.fixture
def model():
    return build_character_model(["abc", "ab ab", "cab"], CHARACTERS, order=3)


def test_every_distribution_sums_to_one_and_nothing_is_impossible(model):
    for context in ((), (EDGE,), (1,), (1, 2), (4, 4), (EDGE, 1)):
        probabilities = np.exp(model.log_probabilities(context))
        assert probabilities.shape == (6,)
        assert probabilities.sum() == pytest.approx(1.0)
        assert (probabilities > 0).all()


def test_what_followed_often_is_likely_and_the_order_limits_the_memory(model):
    after_a = model.log_probabilities((1,))
    assert after_a.argmax() == CHARACTERS.index("b")
    assert model.log_probabilities((3, 3, 3, EDGE, 1)) == pytest.approx(
        model.log_probabilities((EDGE, 1))
    )


def test_probabilities_are_those_of_witten_and_bell():
    model = build_character_model(["ab", "ac"], CHARACTERS, order=2)
    # After a: b once, c once, two types. One letter shorter: a 2, b 1, c 1, end 2, four types.
    shorter = 1 / 10 + 4 / 10 * (1 / 6)
    expected = 1 / 4 + 2 / 4 * shorter
    assert np.exp(model.log_probabilities((1,))[2]) == pytest.approx(expected)


def test_the_end_of_a_line_is_learnt(model):
    assert np.exp(model.log_probabilities((2, 3))[-1]) > 0.3
    assert np.exp(model.log_probabilities((EDGE,))[-1]) < 0.2


def test_known_text_surprises_less_than_other_text(model):
    assert model.bits_per_character(["ab ab"]) < model.bits_per_character(["qqcq"])


def test_a_model_returns_from_its_file_as_it_was(model, tmp_path):
    save_character_model(tmp_path / "m.jsonl", model)
    again = load_character_model(tmp_path / "m.jsonl")
    assert (again.characters, again.order) == (model.characters, model.order)
    assert again.followers == model.followers


@pytest.mark.parametrize(
    "row", ["", "[", "[[1, 2, 3], [[1, 1]]]", "[[9], [[1, 1]]]", "[[1], [[7, 1]]]", "[[1], []]"]
)
def test_a_damaged_file_is_refused(model, tmp_path, row):
    path = tmp_path / "m.jsonl"
    save_character_model(path, model)
    path.write_text(path.read_text() + row + "\n")
    with pytest.raises(RecognitionError, match="m.jsonl is not a language model of this app"):
        load_character_model(path)


def test_another_json_file_is_refused(tmp_path):
    (tmp_path / "x.json").write_text(json.dumps({"format": "png"}))
    with pytest.raises(RecognitionError, match="not a language model"):
        load_character_model(tmp_path / "x.json")


def test_texts_without_a_known_character_are_refused():
    with pytest.raises(RecognitionError, match="no character that the recognition model knows"):
        build_character_model(["ЖЖ"], CHARACTERS)


def test_an_order_out_of_range_is_refused():
    with pytest.raises(RecognitionError, match="order of the language model is 11"):
        build_character_model(["ab"], CHARACTERS, order=11)
