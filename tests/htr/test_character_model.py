import numpy as np
import pytest

from htr.character_counts import build_character_model
from htr.character_model import EDGE, highest_order
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


def test_texts_without_a_known_character_are_refused():
    with pytest.raises(RecognitionError, match="no character that the recognition model knows"):
        build_character_model(["ЖЖ"], CHARACTERS)


def test_an_order_out_of_range_is_refused():
    with pytest.raises(RecognitionError, match="order of the language model is 11"):
        build_character_model(["ab"], CHARACTERS, order=11)


def test_an_order_too_high_for_a_large_alphabet_is_refused():
    characters = [chr(0x4E00 + n) for n in range(7000)]
    assert highest_order(len(characters)) == 4
    with pytest.raises(RecognitionError, match="is 5; expected 1 to 4 with an alphabet of 7000"):
        build_character_model(["一"], characters, order=5)


def test_the_whole_context_counts_also_near_the_start_of_a_line():
    model = build_character_model(["abac", "bbab"], CHARACTERS, order=6)
    assert model.log_probabilities((EDGE, 1, 2, 1)).argmax() == CHARACTERS.index("c")
    assert model.log_probabilities((EDGE, 2, 2, 1)).argmax() == CHARACTERS.index("b")


def test_a_context_that_was_never_seen_predicts_as_its_known_end_does(model):
    assert model.known((4, 1)) == (1,)
    assert model.known((4, 4)) == ()
    assert model.known((EDGE, 1, 2)) == (1, 2)
    assert model.probabilities((4, 1)) == pytest.approx(model.probabilities((1,)))


def test_an_unknown_character_breaks_the_context_and_a_blank_line_says_nothing():
    broken = build_character_model(["aXb", "", "  "], CHARACTERS, order=3)
    assert broken.known((1, 2)) == (2,)
    assert broken.probabilities((EDGE,)).argmax() == CHARACTERS.index("a")
    assert broken.followers[1].contexts.tolist() == [1, 4]  # start, b; nothing followed a


def test_general_text_counts_less_than_the_texts_themselves():
    def b_after_a(weight):
        model = build_character_model(["ab"], CHARACTERS, 2, general=["ac"] * 3, weight=weight)
        return np.exp(model.log_probabilities((1,))[2])

    assert b_after_a(1) < 0.35 < 0.5 < b_after_a(9)


def test_composed_and_decomposed_letters_are_the_same_text():
    characters = tuple("aé")
    composed = build_character_model(["a\u00e9a"], characters, 3)
    decomposed = build_character_model(["ae\u0301a"], characters, 3)
    assert composed.probabilities((0,)) == pytest.approx(decomposed.probabilities((0,)))
    assert decomposed.bits_per_character(["ae\u0301a"]) == pytest.approx(
        composed.bits_per_character(["a\u00e9a"])
    )
