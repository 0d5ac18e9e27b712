"""Characters that a model lacks are read after a few lines, and only where they stand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from htr.shipped import default_model_path
from synthesis.font import fonts
from synthesis.line import draw_line, sample_line_settings
from tests.training.line_sets import drawn_lines, line_of, tiny_trainable
from training.first_lesson import LINES_MOST, OTHERS_MOST, lesson_lines, teach_new_classes
from training.growth import grow
from training.line_batches import PreparedLine, prepare_lines
from training.lines import TrainLine
from training.reading import cer_of, read_lines
from training.trainable import Trainable, load_trainable

CPU = torch.device("cpu")
HALF = "½"
WORDS = ("livres", "sols", "aunes", "de pain", "pour moi", "au marchand", "du mois", "de vin")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def shipped() -> Trainable:
    return load_trainable(default_model_path())


def written(count: int, seed: int, sign: str, font: str = "meddon") -> list[TrainLine]:
    """Lines of an account in the hand of a font, each with the sign twice."""
    rng = np.random.default_rng(seed)
    (face,) = [one for one in fonts() if one.name == font]
    found = []
    for number in range(count):
        first, second = rng.choice(len(WORDS), 2, replace=False)
        amounts = rng.integers(2, 99, 2)
        text = f"{amounts[0]} {sign} {WORDS[first]} {amounts[1]} {sign} {WORDS[second]}"
        text = " ".join(text.split())
        image, drawn = draw_line(rng, text, sample_line_settings(rng), [face])
        assert drawn == text
        found.append(TrainLine(str(number), image, text, "page"))
    return found


def taught(
    base: Trainable, lines: Sequence[TrainLine], others: Sequence[TrainLine] = ()
) -> Trainable:
    grown = grow(base, [HALF])
    prepared, foreign = (
        prepare_lines(part, grown.config, grown.alphabet) for part in (lines, others)
    )
    teach_new_classes(grown, base.alphabet.classes, prepared, foreign, CPU)
    return grown


def test_new_character_is_read_after_a_few_lines_and_not_before(shipped: Trainable) -> None:
    others = written(8, 1, "", "marck-script")
    lines, unseen = written(10, 2, HALF), written(10, 3, HALF)
    before = read_lines(grow(shipped, [HALF]), unseen)
    assert not any(HALF in text for text in before)
    after = read_lines(taught(shipped, lines, others), unseen)
    assert sum(text.count(HALF) for text in after) >= 15  # of 20
    assert cer_of(unseen, after) < 0.75 * cer_of(unseen, before)


def test_new_character_is_hardly_read_on_lines_of_other_hands(shipped: Trainable) -> None:
    after = taught(shipped, written(10, 2, HALF), written(8, 5, "", "marck-script"))
    hands = ("kristi", "cedarville-cursive", "la-belle-aurore")
    elsewhere = [line for hand in hands for line in written(8, 4, "", hand)]
    readings = read_lines(after, elsewhere)
    assert sum(text.count(HALF) for text in readings) <= 2  # of 500 characters
    assert cer_of(elsewhere, readings) <= cer_of(elsewhere, read_lines(shipped, elsewhere)) + 0.005


def test_nothing_but_the_rows_of_new_classes_changes() -> None:
    base = tiny_trainable()
    known = base.alphabet.classes
    before = grow(base, ["ẽ"])
    after = grow(base, ["ẽ"])
    lines = prepare_lines([line_of("aẽb"), *drawn_lines(3)], after.config, after.alphabet)
    teach_new_classes(after, known, lines, (), CPU)
    old, new = before.model.state_dict(), after.model.state_dict()
    changed = {name for name, value in old.items() if not torch.equal(value, new[name])}
    assert changed == {"head.weight", "head.bias"}
    for name in changed:
        assert torch.equal(old[name][:known], new[name][:known])
        assert not torch.equal(old[name][known:], new[name][known:])


def test_lines_without_new_characters_teach_nothing() -> None:
    base = tiny_trainable()
    before, after = base.copy(), base.copy()
    lines = prepare_lines(drawn_lines(3), base.config, base.alphabet)
    teach_new_classes(after, base.alphabet.classes, lines, lines, CPU)
    old, new = before.model.state_dict(), after.model.state_dict()
    assert all(torch.equal(value, new[name]) for name, value in old.items())


def test_the_same_lines_teach_the_same_bits() -> None:
    base = tiny_trainable()
    rows = []
    for _ in range(2):
        grown = grow(base, ["ẽ"])
        lines = prepare_lines([line_of("aẽb"), *drawn_lines(3)], grown.config, grown.alphabet)
        teach_new_classes(grown, base.alphabet.classes, lines, (), CPU)
        rows.append(grown.model.head.weight.detach())
    assert torch.isfinite(rows[0]).all()  # these lines hold every class that was known before
    assert torch.equal(*rows)


def test_lesson_takes_so_many_lines_of_each_kind_at_most() -> None:
    blank = np.zeros((64, 8), np.uint8)
    new = [PreparedLine(f"new {n}", blank, (1, 9)) for n in range(LINES_MOST + 9)]
    own = [PreparedLine(f"own {n}", blank, (1, 2)) for n in range(OTHERS_MOST + 9)]
    foreign = [PreparedLine(f"foreign {n}", blank, (2,)) for n in range(OTHERS_MOST + 9)]
    odd = [PreparedLine("odd", blank, (9,))]  # another document's, with a new character
    chosen = [line.key for line in lesson_lines(9, [*own, *new], [*foreign, *odd])]
    assert len(chosen) == LINES_MOST + 2 * OTHERS_MOST
    assert sum(key.startswith("new") for key in chosen) == LINES_MOST
    assert sum(key.startswith("foreign") for key in chosen) == OTHERS_MOST
    assert lesson_lines(9, own, [*foreign, *odd]) == []
