"""The network's shapes, its file, and its use on pages that nobody expects."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from segmentation.lines import DOUBTFUL, FACING_PAGE, SegmentationError
from segmentation.network import (
    WEIGHTS,
    draw_maps,
    find_lines,
    segment_with_network,
    with_kinds,
)
from segmentation.unet import Segmenter, SegmenterConfig, load_segmenter, save_segmenter
from segmentation.vectorise import FoundLine, set_aside

TINY = SegmenterConfig(widths=(16, 16, 16, 16), depths=(1, 1, 1), dilations=(1, 2), stem=16)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def tiny() -> Segmenter:
    torch.manual_seed(0)
    return Segmenter(TINY).eval()


def written_page(height: int = 900, width: int = 700, spacing: int = 50) -> np.ndarray:
    """Gray page with rows of zigzag that look like writing, baselines every `spacing` px."""
    page = np.full((height, width), 225, np.uint8)
    rng = np.random.default_rng(5)
    for y in range(120, height - 80, spacing):
        x = 80
        while x < width - 120:
            steps = rng.integers(4, 9, int(rng.integers(6, 14)))
            xs = x + np.cumsum(steps)
            heights = rng.integers(10, 18, len(steps)) + 14 * (rng.random(len(steps)) < 0.15)
            ys = y - np.where(np.arange(len(steps)) % 2, heights, 0)
            stroke = np.stack([xs, ys], 1).astype(np.int32)
            cv2.polylines(page, [stroke], False, 40, 2, cv2.LINE_AA)
            x = int(xs[-1]) + 16
    return page


def test_maps_have_half_and_quarter_size(tiny: Segmenter) -> None:
    fine, coarse = tiny(torch.zeros(2, 1, 64, 96))
    assert fine.shape == (2, 3, 32, 48)
    assert coarse.shape == (2, 3, 16, 24)


def test_page_maps_are_cut_back_to_the_page_and_hold_probabilities(tiny: Segmenter) -> None:
    maps = draw_maps(np.full((100, 150), 200, np.uint8), 1.0, tiny)
    assert maps.fine.shape == (3, 50, 76)
    assert maps.coarse.shape == (3, 25, 38)
    assert maps.scale_x == pytest.approx(152 / 150)
    assert 0 <= maps.fine.min() <= maps.fine.max() <= 1


def test_saved_network_draws_the_same_maps(tiny: Segmenter, tmp_path: Path) -> None:
    tiny.train()
    for seed in range(3):  # batch statistics that are not the initial ones
        tiny(torch.randn(2, 1, 64, 64, generator=torch.Generator().manual_seed(seed)))
    tiny.eval()
    path = tmp_path / "tiny.safetensors"
    save_segmenter(path, tiny, {"steps": 3})
    images = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(9))
    with torch.inference_mode():
        before, after = tiny(images), load_segmenter(path)(images)
    for own, read in zip(before, after, strict=True):
        assert torch.allclose(own, read, atol=0.03)  # stored as float16


def test_missing_weights_are_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(SegmentationError, match="gone.safetensors holds no weights.*OpenCV"):
        load_segmenter(tmp_path / "gone.safetensors")


def test_foreign_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    path.write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{}      junk")
    with pytest.raises(SegmentationError, match="foreign.safetensors holds no weights"):
        load_segmenter(path)


def test_array_that_is_no_page_is_refused(tiny: Segmenter) -> None:
    with pytest.raises(SegmentationError, match="expected 8-bit gray"):
        find_lines(np.zeros((10, 10), np.float32), tiny)
    with pytest.raises(SegmentationError, match="at least one pixel"):
        find_lines(np.zeros((0, 10), np.uint8), tiny)


@pytest.mark.parametrize("size", [(1, 1), (3, 5000), (5000, 3), (700, 500)])
def test_untrained_network_on_any_size_gives_finite_lines(
    size: tuple[int, int], tiny: Segmenter
) -> None:
    page = np.random.default_rng(1).integers(0, 256, size).astype(np.uint8)
    for line in find_lines(page, tiny):
        assert np.isfinite(line.points).all()
        assert line.spacing_px > 0


def found_at(*heights: float, left: float = 80, right: float = 580) -> list[FoundLine]:
    return [FoundLine(np.array([[left, y], [right, y]]), 50.0, 0.9, 0) for y in heights]


def test_rule_without_ink_is_set_aside_and_nothing_but_a_doubtful_one_is_left_out() -> None:
    page = written_page()
    page[795:797, 80:580] = 90  # a ruled line below the last written one, at 770
    written, rule = found_at(*range(120, 800, 50)), found_at(840)[0]
    doubtful = set_aside(found_at(320, left=590, right=690)[0], DOUBTFUL)
    lines = with_kinds(page, [*written, rule, set_aside(rule, DOUBTFUL)])
    assert [line.kind for line in lines] == ["text"] * len(written) + ["aside"]
    assert lines[-1].flags == ("no ink",)
    page[300:322, 590:690:7] = 40  # ink above it: hardly a line, but not for us to drop
    lines = with_kinds(page, [*written, doubtful])
    assert (lines[-1].kind, lines[-1].flags) == ("aside", ("doubtful",))


def test_strip_of_the_facing_page_is_set_aside_with_the_reason() -> None:
    page = np.full((900, 1000), 225, np.uint8)
    page[::4, ::3] = 60
    own = found_at(*range(100, 850, 50), left=300, right=950)
    strip = found_at(*range(100, 600, 50), left=1, right=140)
    lines = with_kinds(page, own + strip)
    assert [line.kind for line in lines] == ["text"] * len(own) + ["aside"] * len(strip)
    assert {line.flags for line in lines[len(own) :]} == {("facing page",)}


def test_facing_page_on_the_left_comes_after_the_page_itself(
    tiny: Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = found_at(*range(100, 850, 50), left=300, right=950)
    strip = [set_aside(line, FACING_PAGE) for line in found_at(100, 150, 200, left=1, right=140)]
    monkeypatch.setattr("segmentation.network.find_lines", lambda gray, network: [*strip, *own])
    page = np.full((900, 1000), 225, np.uint8)
    lines = segment_with_network(page, tiny)
    assert [line.kind for line in lines] == ["text"] * len(own) + ["aside"] * len(strip)


bundled = pytest.mark.skipif(not WEIGHTS.exists(), reason="the weights are not installed")


@bundled
def test_bundled_weights_fit_the_promised_size() -> None:
    assert WEIGHTS.stat().st_size < 6_000_000


@bundled
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_rows_of_writing_are_found_at_any_scale(scale: float) -> None:
    page = cv2.resize(written_page(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    lines = segment_with_network(page)
    heights = [np.mean([y for _, y in line.baseline]) / scale for line in lines]
    expected = list(range(120, 820, 50))
    assert len(lines) == len(expected)
    assert np.abs(np.array(heights) - expected).max() < 14
    for line in lines:
        assert line.spacing_px / scale == pytest.approx(50, rel=0.3)
        assert len(line.polygon) >= 3
        assert line.flags == ()


@bundled
@pytest.mark.parametrize("value", [0, 128, 255])
def test_blank_page_has_no_lines(value: int) -> None:
    assert segment_with_network(np.full((1200, 900, 3), value, np.uint8)) == []


@bundled
@pytest.mark.parametrize("size", [(1, 1), (40, 20_000)])
def test_odd_sizes_are_answered(size: tuple[int, int]) -> None:
    assert segment_with_network(np.full(size, 230, np.uint8)) == []


@bundled
def test_noise_is_answered() -> None:
    noise = np.random.default_rng(2).integers(0, 256, (500, 400)).astype(np.uint8)
    for line in segment_with_network(noise):
        assert type(line.spacing_px) is float
        assert np.isfinite(line.baseline).all()


@bundled
@pytest.mark.parametrize(("turns", "flag"), [(1, "vertical"), (2, "upside-down"), (3, "vertical")])
def test_turned_page_is_read_along_its_writing_and_flagged(turns: int, flag: str) -> None:
    page = np.ascontiguousarray(np.rot90(written_page(), -turns))
    lines = segment_with_network(page)
    assert len(lines) == 14
    assert {line.flags for line in lines} == {(flag,)}
    first = np.array(lines[0].baseline)
    along = first[-1] - first[0]
    right = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])[turns]
    assert along @ right > 0.9 * np.hypot(*along)
