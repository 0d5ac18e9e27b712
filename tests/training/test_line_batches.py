"""Batches: as recognition prepares lines, each line once a round, the same for the same step."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from htr.errors import UnknownCharacterError
from htr.preprocess import prepare_line
from tests.htr.tiny import ALPHABET, TINY
from tests.training.line_sets import drawn_lines, line_of
from training.line_batches import SORTED_BATCHES, LineBatches, PreparedLine, prepare_lines


def lines_of_widths(*widths_px: int) -> list[PreparedLine]:
    return [
        PreparedLine(str(n), np.full((64, width), 255, np.uint8), (n + 1,))
        for n, width in enumerate(widths_px)
    ]


def stream(lines: list[PreparedLine], batch_lines: int = 2, **settings) -> LineBatches:
    return LineBatches(lines, TINY, batch_lines, seed=1, **settings)


def test_lines_are_prepared_as_for_reading() -> None:
    line = line_of("ab cd")
    [prepared] = prepare_lines([line], TINY, ALPHABET)
    shown = prepare_line(line.image, TINY)
    assert np.abs(prepared.image / 255 - shown).max() <= 0.5 / 255 + 1e-6
    assert prepared.classes == tuple(ALPHABET.encode("ab cd"))


def test_text_that_the_model_cannot_write_is_refused() -> None:
    with pytest.raises(UnknownCharacterError):
        prepare_lines([line_of("xyz")], TINY, ALPHABET)


def test_same_step_gives_the_same_batch_whatever_came_before() -> None:
    lines = prepare_lines(drawn_lines(5), TINY, ALPHABET)
    walked = [stream(lines).batch(step) for step in range(6)]
    alone = stream(lines).batch(5)
    assert np.array_equal(walked[5].images, alone.images)
    assert walked[5].targets == alone.targets
    assert not np.array_equal(walked[0].images, alone.images)


def test_every_line_is_seen_once_a_round() -> None:
    lines = lines_of_widths(*range(40, 40 + 10 * SORTED_BATCHES, 10))
    batches = stream(lines, batch_lines=4, strength=0.0)
    seen = Counter(
        target for step in range(SORTED_BATCHES) for target in batches.batch(step).targets
    )
    assert set(seen.values()) == {4}
    assert len(seen) == len(lines)


@pytest.mark.parametrize("count", [2, 3, 8])
def test_no_line_stands_beside_itself_while_there_are_others(count: int) -> None:
    batches = stream(lines_of_widths(*range(50, 50 + count)), batch_lines=2, strength=0.0)
    aligned = range(20) if count % 2 == 0 else range(0, 20, 3)
    for step in aligned:
        assert len(set(batches.batch(step).targets)) == 2


def test_a_very_long_line_is_as_long_in_training_as_in_reading() -> None:
    long = TINY.image_max_width * 2
    distorted = [stream(lines_of_widths(long, long)).batch(step).images for step in range(8)]
    widths = {images.shape[3] for images in distorted}
    assert max(widths) == long
    assert min(widths) > TINY.image_max_width * 1.7  # stretched and shrunk, not squashed


def test_few_lines_meet_in_ever_new_batches() -> None:
    batches = stream(lines_of_widths(400, 420, 440, 460), batch_lines=2, strength=0.0)
    assert len({frozenset(batches.batch(step).targets) for step in range(40)}) == 6


def test_batches_hold_lines_of_like_width() -> None:
    lines = lines_of_widths(*([60] * 8 + [500] * 8))
    batches = stream(lines, batch_lines=2, strength=0.0)
    widths = Counter(batches.batch(step).images.shape[3] for step in range(SORTED_BATCHES))
    assert widths == {64: 4, 512: 4}


def test_line_is_padded_white_and_counts_the_steps_of_its_own_padding() -> None:
    lines = [PreparedLine("1", np.zeros((64, 40), np.uint8), (1,)),
             PreparedLine("2", np.zeros((64, 100), np.uint8), (2,))]  # fmt: skip
    batch = stream(lines, strength=0.0).batch(0)
    order = [target[0] for target in batch.targets]
    short = order.index(1)
    assert batch.images.shape == (2, 1, 64, 128)
    assert batch.step_counts[short] == 16 and batch.step_counts[1 - short] == 32
    assert batch.images[short, 0, :, :40].max() == 0.0
    assert batch.images[short, 0, :, 40:].min() == 1.0


def test_replayed_lines_take_their_share_of_every_batch() -> None:
    own, earlier = lines_of_widths(50, 50, 50), [PreparedLine("old", np.zeros((64, 50), np.uint8),
                                                              (5,))]  # fmt: skip
    batches = stream(own, batch_lines=4, replay=earlier, replay_share=0.25)
    assert all(batches.batch(step).targets.count((5,)) == 1 for step in range(10))


def test_replay_never_crowds_out_the_lines_to_learn() -> None:
    own, earlier = lines_of_widths(50), lines_of_widths(60)
    assert stream(own, batch_lines=2, replay=earlier, replay_share=1.0).replay_lines == 1
    assert stream(own, batch_lines=1, replay=earlier, replay_share=1.0).replay_lines == 0


def test_single_line_fills_its_batches() -> None:
    batch = stream(lines_of_widths(50), batch_lines=4).batch(3)
    assert batch.images.shape[0] == 4


def test_nothing_to_learn_is_refused() -> None:
    with pytest.raises(ValueError, match="no lines"):
        stream([])
