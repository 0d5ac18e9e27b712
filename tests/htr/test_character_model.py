import numpy as np
import pytest

from htr.character_counts import build_character_model, known_share, without_rare
from htr.character_model import EDGE, highest_order
from htr.errors import RecognitionError
from htr.header import read_header
from htr.language_file import load_beam_search
from htr.shipped import LANGUAGE, default_model_path

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


def test_a_model_of_a_model_is_the_same(model):
    again = build_character_model([], CHARACTERS, order=3, base=model)
    for one, two in zip(model.followers, again.followers, strict=True):
        assert one.contexts.tolist() == two.contexts.tolist()
        assert (one.numbers.tolist(), one.counts.tolist()) == (
            two.numbers.tolist(), two.counts.tolist(),
        )  # fmt: skip


def test_text_and_a_model_of_text_count_alike(model):
    added = build_character_model(["cab", "q a"], CHARACTERS, order=3, base=model)
    whole = build_character_model(["abc", "ab ab", "cab", "cab", "q a"], CHARACTERS, order=3)
    for context in ((), (EDGE,), (1,), (1, 2), (3, 1)):
        assert added.log_probabilities(context) == pytest.approx(whole.log_probabilities(context))


def test_a_model_is_taken_over_into_other_characters(model):
    others = tuple("xcba ")  # another order; one that it lacks, and one of its own is missing
    taken = build_character_model([], others, order=3, base=model)
    before = np.exp(model.log_probabilities((CHARACTERS.index("a"),)))
    after = np.exp(taken.log_probabilities((others.index("a"),)))
    assert after.argmax() == others.index("b")
    assert after[others.index("b")] == pytest.approx(before[CHARACTERS.index("b")], rel=0.05)
    only = build_character_model([], tuple("ab"), order=3, base=model)
    assert np.exp(only.log_probabilities((0,))).sum() == pytest.approx(1.0)


def test_what_is_rare_is_left_out_by_the_length_of_the_context(model):
    smaller = without_rare(model, (1, 2, 9))
    assert smaller.followers[0].counts.tolist() == model.followers[0].counts.tolist()
    assert smaller.followers[1].counts.min() >= 2
    assert len(smaller.followers[2].counts) == 0
    assert np.exp(smaller.log_probabilities((1, 2))).sum() == pytest.approx(1.0)


def test_share_of_the_text_that_other_characters_can_write(model):
    assert known_share(model, CHARACTERS) == 1.0
    assert known_share(model, tuple("ab")) == pytest.approx(8 / 11)
    assert known_share(model, ()) == 0.0


def test_the_language_model_in_the_box_suits_the_shipped_model():
    beam = load_beam_search(LANGUAGE)
    alphabet = read_header(default_model_path()).alphabet
    assert beam.language is not None
    assert known_share(beam.language, alphabet.characters) == 1.0
    french = beam.language.bits_per_character(["la commune de la ville de Paris"])
    assert french < 3 < beam.language.bits_per_character(["xqz wkv jjx"])
