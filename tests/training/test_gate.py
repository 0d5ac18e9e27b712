from __future__ import annotations

import json

import pytest

from tests.training.corrected_lines import score, scores
from training.comparison import compare
from training.gate import forgetting, shown_p, shown_points, shown_rate, verdict

BAD, GOOD = [9, 8, 10, 9, 8, 9, 10, 8] * 2, [4, 3, 5, 5, 3, 4, 5, 2] * 2


def test_a_proven_gain_is_better_and_said_in_plain_words() -> None:
    found = verdict(compare(scores(BAD), scores(GOOD)))
    assert found.kind == "better"
    assert found.sentence == (
        "It now misreads 9.7 % of the characters (was 22 %; surely better: p < 0.001)."
    )
    assert (found.lines_needed, found.warnings) == (None, ())


def test_a_proven_loss_is_worse() -> None:
    found = verdict(compare(scores(GOOD), scores(BAD)))
    assert found.kind == "worse"
    assert found.sentence.startswith(
        "It misreads 22 % of the characters (was 9.7 %; surely worse: p < 0.001), so it is not put "
        "to use."
    )


def test_an_unproven_loss_of_more_than_half_a_point_is_refused_as_well() -> None:
    comparison = compare(scores([5, 5, 5, 5]), scores([1, 9, 5, 6]))
    assert comparison.p > 0.05
    assert verdict(comparison).kind == "worse"


def test_a_loss_within_half_a_point_that_chance_explains_is_left_to_the_user() -> None:
    comparison = compare(scores([5, 5, 5, 5], characters=400), scores([1, 9, 5, 6], characters=400))
    found = verdict(comparison)
    assert (found.kind, found.lines_needed) == ("not proven", None)
    assert "hardly more" in found.sentence


def test_an_unproven_gain_tells_how_many_lines_would_prove_it() -> None:
    comparison = compare(scores([9, 8, 10, 9]), scores([4, 12, 5, 9]))
    found = verdict(comparison)
    assert found.kind == "not proven"
    assert comparison.lines_needed == 67
    assert found.lines_needed == 320  # 63 more test lines, and every fifth corrected line tests
    assert "4 test lines are too few to be sure (p = " in found.sentence
    assert "About 320 more corrected lines" in found.sentence


def test_a_gain_too_small_to_prove_is_not_asked_thousands_of_lines_for() -> None:
    found = verdict(compare(scores([9, 1, 9, 1] * 3), scores([1, 9, 1, 9] * 2 + [1, 9, 1, 8])))
    assert (found.kind, found.lines_needed) == ("not proven", None)
    assert "So small a gain can hardly be proven." in found.sentence


def test_without_test_lines_nothing_is_proven() -> None:
    found = verdict(compare([], []))
    assert found.kind == "not proven"
    assert found.sentence.startswith("Nothing is proven: there are no test lines.")


def test_the_same_readings_are_not_proven() -> None:
    assert verdict(compare(scores(BAD), scores(BAD))).kind == "not proven"


def test_forgetting_beyond_a_point_warns_but_does_not_change_the_verdict() -> None:
    forgotten = forgetting(scores([4] * 30), scores([5] * 30))
    assert forgotten.warn
    assert forgotten.change == pytest.approx(0.025)
    found = verdict(compare(scores(BAD), scores(GOOD)), forgotten)
    assert found.kind == "better"
    assert found.warnings == (
        "On other handwriting it reads worse than before (12 %, was 10 %). Keep the model before "
        "it for other hands.",
    )


def test_a_change_within_a_point_is_as_before() -> None:
    forgotten = forgetting(scores([4] * 30), scores([4] * 29 + [5]))
    assert not forgotten.warn
    assert forgotten.sentence == "On other handwriting it reads as before (10 %, was 10 %)."


def test_a_group_that_suffers_warns_though_the_others_gain() -> None:
    before = [score(f"a{n}", 5, group="drawn") for n in range(30)]
    before += [score(f"b{n}", 5, group="other documents") for n in range(30)]
    after = [score(f"a{n}", 1, group="drawn") for n in range(30)]
    after += [score(f"b{n}", 7, group="other documents") for n in range(30)]
    forgotten = forgetting(before, after)
    assert forgotten.change < 0 and forgotten.warn
    assert "On a part of other handwriting (other documents)" in forgotten.sentence
    assert [(one.group, one.lines) for one in forgotten.groups] == [
        ("drawn", 30),
        ("other documents", 30),
    ]


def test_without_reference_lines_nothing_is_said_of_other_handwriting() -> None:
    forgotten = forgetting([], [])
    assert not forgotten.warn
    assert forgotten.sentence.startswith("Other handwriting was not tested")


def test_everything_of_the_gate_can_be_said_in_json() -> None:
    comparison = compare(scores(BAD), scores(GOOD))
    forgotten = forgetting(scores([4] * 30), scores([5] * 30))
    for one in (comparison, forgotten, verdict(comparison, forgotten)):
        assert json.loads(json.dumps(one.as_json(), allow_nan=False))


@pytest.mark.parametrize(
    ("p", "shown"),
    [(0.0002, "p < 0.001"), (0.0032, "p = 0.003"), (0.04996, "p = 0.049"), (0.312, "p = 0.31")],
)
def test_p_is_shown_so_that_it_does_not_contradict_the_verdict(p: float, shown: str) -> None:
    assert shown_p(p) == shown


@pytest.mark.parametrize(("rate", "shown"), [(0.0, "0.0 %"), (0.092, "9.2 %"), (0.184, "18 %")])
def test_rates_are_shown_as_percentages(rate: float, shown: str) -> None:
    assert shown_rate(rate) == shown


def test_changes_are_shown_in_points_with_their_sign() -> None:
    assert shown_points(0.004) == "+0.4 points"
    assert shown_points(-0.0474) == "\N{MINUS SIGN}4.7 points"
