"""Line crops become what the network was trained on, whatever their shape."""

from __future__ import annotations

import numpy as np
import pytest

from htr.config import ModelConfig
from htr.errors import RecognitionError
from htr.preprocess import (
    LONGEST_PX,
    SQUASHED_AT_MOST,
    bucket_width,
    line_width_px,
    normalise_contrast,
    pad_lines,
    prepare_line,
    roomy_width_px,
)

PUBLISHED = ModelConfig()
OURS = ModelConfig(embed_dim=128, heads=4, stem_head_dim=32, contrast="percentile")


def crop(height: int, width: int, value: int = 255) -> np.ndarray:
    return np.full((height, width), value, np.uint8)


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(64, 300, 300), (128, 300, 150), (50, 99, 126), (64, 768, 512), (10, 9000, 512), (9000, 1, 1)],
)
def test_width_keeps_the_aspect_up_to_the_limit(height: int, width: int, expected: int) -> None:
    assert line_width_px(crop(height, width), PUBLISHED) == expected
    assert prepare_line(crop(height, width), PUBLISHED).shape == (64, expected)


@pytest.mark.parametrize(
    ("width", "expected"),
    [(700, 512), (1000, 512), (3000, 3000 / SQUASHED_AT_MOST), (9000, LONGEST_PX)],
)
def test_our_models_read_a_very_long_line_wider_instead_of_squashing_it(
    width: int, expected: float
) -> None:
    assert line_width_px(crop(64, width), OURS) == int(expected)
    assert prepare_line(crop(64, width), OURS).shape == (64, int(expected))


def test_a_squashed_line_gets_room_for_its_characters_as_far_as_its_aspect_goes() -> None:
    line = crop(64, 1000)
    assert roomy_width_px(line.shape, 512, 50, OURS) == 512  # ten pixels each
    assert roomy_width_px(line.shape, 512, 60, OURS) == 660
    assert roomy_width_px(line.shape, 512, 200, OURS) == 1000
    assert roomy_width_px((64, 400), 400, 200, OURS) == 400
    assert roomy_width_px((64, 9000), LONGEST_PX, 2000, OURS) == LONGEST_PX
    assert roomy_width_px(line.shape, 512, 200, PUBLISHED) == 512


def test_a_line_is_prepared_at_the_width_asked_for() -> None:
    assert prepare_line(crop(64, 1000), OURS, 660).shape == (64, 660)


def test_published_input_is_the_gray_value_over_255() -> None:
    strip = np.arange(64 * 40, dtype=np.uint32).reshape(64, 40).astype(np.uint8)
    prepared = prepare_line(strip, PUBLISHED)
    assert prepared.dtype == np.float32
    np.testing.assert_allclose(prepared, strip / 255, atol=1e-7)


def test_contrast_is_stretched_between_the_percentiles() -> None:
    # 100 values 0..99: percentile 1 is 0.99, percentile 60 is 59.4
    strip = np.arange(100, dtype=np.uint8).reshape(10, 10)
    expected = np.clip((strip - 0.99) / 58.41, 0, 1)
    np.testing.assert_allclose(normalise_contrast(strip), expected, atol=1e-6)


def test_paper_without_ink_is_not_blown_up_to_noise() -> None:
    strip = np.tile(np.array([200, 202], np.uint8), (64, 32))
    prepared = prepare_line(strip, OURS)
    assert prepared.min() == 0.0
    assert prepared.max() == pytest.approx(2 / 20)


def test_a_model_without_contrast_setting_sees_the_paper_as_it_is() -> None:
    assert prepare_line(crop(64, 8, 200), PUBLISHED).max() == pytest.approx(200 / 255)


def test_colour_becomes_gray_by_brightness() -> None:
    red = np.zeros((64, 16, 3), np.uint8)
    red[..., 0] = 255
    assert prepare_line(red, PUBLISHED)[0, 0] == pytest.approx(76 / 255)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (2, 40_000), (40_000, 2), (64, 1)])
@pytest.mark.parametrize("config", [PUBLISHED, OURS])
def test_degenerate_crops_are_prepared(shape: tuple[int, int], config: ModelConfig) -> None:
    prepared = prepare_line(crop(*shape), config)
    assert prepared.shape[0] == 64
    assert 1 <= prepared.shape[1] <= (512 if config is PUBLISHED else LONGEST_PX)
    assert np.isfinite(prepared).all()


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0), (0, 5, 3)])
def test_crop_without_pixels_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(RecognitionError, match="without pixels"):
        prepare_line(np.zeros(shape, np.uint8), OURS)


@pytest.mark.parametrize(
    "wrong", [np.zeros((64, 9)), np.zeros((64, 9, 4), np.uint8), np.zeros(64, np.uint8)]
)
def test_arrays_of_another_kind_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(RecognitionError, match=r"expected uint8, gray \(H, W\) or RGB"):
        prepare_line(wrong, OURS)


@pytest.mark.parametrize(
    ("width", "expected"), [(1, 32), (32, 32), (33, 64), (500, 512), (512, 512)]
)
def test_our_lines_are_padded_to_the_next_multiple_of_32(width: int, expected: int) -> None:
    assert bucket_width(width, OURS) == expected


def test_lines_of_published_models_are_padded_to_the_full_width() -> None:
    assert {bucket_width(width, PUBLISHED) for width in (1, 200, 512)} == {512}


def test_bucket_can_be_chosen() -> None:
    assert bucket_width(130, PUBLISHED, 128) == 256
    assert bucket_width(130, OURS, 512) == 512
    with pytest.raises(RecognitionError, match="must be >= 1"):
        bucket_width(130, OURS, 0)


def test_padding_is_white_and_on_the_right() -> None:
    batch = pad_lines([np.zeros((64, 3), np.float32), np.full((64, 5), 0.5, np.float32)], 8)
    assert batch.shape == (2, 1, 64, 8)
    assert batch.dtype == np.float32
    assert batch[0, 0, 0].tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    assert batch[1, 0, 63].tolist() == [0.5] * 5 + [1, 1, 1]
