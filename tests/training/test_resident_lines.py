"""Lines kept on the device are batched and distorted there as threads would do it."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from tests.htr.tiny import ALPHABET, TINY
from tests.training.line_sets import drawn_lines
from training.device_distortion import distort_batch
from training.line_augmentation import LineAugmentation, distort_line
from training.line_batches import PX_PER_STEP, LineBatches, PreparedLine, prepare_lines
from training.resident_lines import LinePool, ResidentBatches, have_room

CPU = torch.device("cpu")
HOW_MUCH = {"blur_px", "noise", "hidden_px"}  # of what no line gets
NOTHING = LineAugmentation(
    **{field.name: 0 for field in fields(LineAugmentation) if field.name not in HOW_MUCH}
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def resident(lines: list[PreparedLine], strength: float, replay: int = 0) -> ResidentBatches:
    pool = LinePool(lines, TINY, CPU, 2)
    own = len(lines) - replay
    order = LineBatches(pool.lines[:own], TINY, 4, 1, strength, pool.lines[own:], 0.25)
    return ResidentBatches(pool, order)


def prepared(count: int) -> list[PreparedLine]:
    return prepare_lines(drawn_lines(count), TINY, ALPHABET)


def one_line(width_px: int = 200) -> tuple[torch.Tensor, np.ndarray]:
    """A line of strokes as ink, alone in its batch, and its width."""
    ink = torch.zeros(1, 1, 64, width_px)
    ink[..., 20:44, 10::17] = 1.0
    return ink, np.array([width_px])


def test_line_in_a_pool_is_the_line_that_was_put_there() -> None:
    lines = prepared(5)
    for line, kept in zip(lines, LinePool(lines, TINY, CPU, 2).lines, strict=True):
        assert np.array_equal(line.image, kept.image)
        assert (line.classes, line.width_px) == (kept.classes, kept.width_px)


def test_a_very_long_line_stays_long_beside_others() -> None:
    long, usual = TINY.image_max_width * 2, TINY.image_max_width
    lines = [
        PreparedLine("long", np.full((64, long), 255, np.uint8), (1,)),
        PreparedLine("usual", np.full((64, usual), 255, np.uint8), (2,)),
    ]
    for step in range(8):
        batch = resident(lines, 1.0).batch(step)
        counts = dict(zip(batch.targets, batch.step_counts, strict=True))
        assert counts[(1,)] > 1.7 * usual / PX_PER_STEP
        assert counts[(2,)] <= usual / PX_PER_STEP


def test_undistorted_batches_are_those_that_threads_make() -> None:
    lines = prepared(9)
    batches = resident(lines, 0.0, replay=2)
    usual = LineBatches(lines[:7], TINY, 4, 1, 0.0, lines[7:], 0.25)
    for step in range(4):
        mine, theirs = batches.batch(step), usual.batch(step)
        assert np.abs(np.asarray(mine.images) - np.asarray(theirs.images)).max() < 1e-6
        assert mine.targets == theirs.targets
        assert mine.step_counts == theirs.step_counts


def test_distorted_batch_depends_on_the_step_alone() -> None:
    lines = prepared(8)
    batches = resident(lines, 1.0)
    first, again, other = batches.batch(3), batches.batch(3), batches.batch(4)
    assert torch.equal(torch.as_tensor(first.images), torch.as_tensor(again.images))
    assert first.images.shape != other.images.shape or not torch.equal(
        torch.as_tensor(first.images), torch.as_tensor(other.images)
    )


def test_share_of_a_batch_holds_its_own_lines_only() -> None:
    whole = resident(prepared(8), 1.0).batch(0)
    part = resident(prepared(8), 1.0).batch(0, slice(2, 4))
    assert (part.first, part.step_lines) == (2, 4)
    assert part.targets == whole.targets[2:]


def test_paper_behind_a_distorted_line_is_white() -> None:
    lines = prepared(8)
    for step in range(6):
        batch = resident(lines, 1.0).batch(step)
        images = torch.as_tensor(batch.images)
        assert images.shape[3] == max(batch.step_counts) * PX_PER_STEP
        assert 0 <= float(images.min()) < 0.5 < float(images.max()) <= 1
        for image, steps in zip(images, batch.step_counts, strict=True):
            assert (image[..., steps * PX_PER_STEP :] == 1).all()


def test_no_amount_of_anything_leaves_the_line_as_it_is() -> None:
    ink, wide = one_line()
    same, new_wide = distort_batch(ink, wide, np.random.default_rng(1), 1.0, 512, NOTHING)
    assert (same - ink).abs().max() < 1e-3
    assert new_wide.tolist() == wide.tolist()


@pytest.mark.parametrize(
    ("limit", "amount"),
    [("stretch", 0.14), ("slant", 0.22), ("height", 0.12), ("gamma", 0.6), ("wobble_px", 1.5)],
)
def test_each_distortion_alone_changes_the_line_as_much_as_that_of_threads(
    limit: str, amount: float
) -> None:
    settings = replace(NOTHING, **{limit: amount})
    ink, wide = one_line()
    # Softer strokes: a darker or paler stroke would not show in plain black and white.
    ink = torch.nn.functional.avg_pool2d(ink, 3, 1, 1)
    image = np.rint(255 * (1 - ink[0, 0].numpy())).astype(np.uint8)
    mine, theirs = [], []
    for seed in range(60):
        drawn, new_wide = distort_batch(ink, wide, np.random.default_rng(seed), 1.0, 512, settings)
        mine.append([float(drawn.sum()), float(drawn.std()), float(new_wide[0])])
        other = distort_line(image, np.random.default_rng(1000 + seed), 1.0, 512, settings)
        shown = 1 - other / 255
        theirs.append([float(shown.sum()), float(shown.std()), float(other.shape[1])])
    spread = np.std(theirs, axis=0)
    apart = np.abs(np.mean(mine, axis=0) - np.mean(theirs, axis=0))
    assert (apart <= 0.8 * spread + 0.02 * np.abs(np.mean(theirs, axis=0))).all()
    assert max(np.std(mine, axis=0)[2], 1.0) == pytest.approx(max(spread[2], 1.0), rel=0.5)


@pytest.mark.parametrize("share", ["stroke", "faded", "blurred", "noisy", "hidden"])
def test_each_weathering_changes_lines_and_keeps_their_place(share: str) -> None:
    settings = replace(NOTHING, **{share: 1.0})
    ink, wide = one_line()
    drawn, new_wide = distort_batch(ink, wide, np.random.default_rng(2), 1.0, 512, settings)
    assert new_wide.tolist() == wide.tolist()
    assert (drawn - ink).abs().mean() > 1e-3
    assert np.corrcoef(drawn.flatten(), ink.flatten())[0, 1] > 0.6


def test_lines_have_room_where_they_take_less_than_their_share_of_what_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (64_000, 1_000_000))
    card = torch.device("cuda", 0)
    assert have_room(400, TINY, card)
    assert not have_room(401, TINY, card)
    assert have_room(10**9, TINY, CPU)
