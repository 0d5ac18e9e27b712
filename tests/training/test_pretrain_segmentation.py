"""Crops carry their truth with them, and a stopped training goes on."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from segmentation.unet import load_segmenter, read_segmenter
from training.page_augmentation import (
    PageAugmentation,
    draw_transform,
    local_scale,
    transform_points,
)
from training.pretrain_segmentation import (
    CHECKPOINT,
    PretrainConfig,
    learning_rate_at,
    segmentation_loss,
    train,
    update_average,
)
from training.segmentation_data import (
    CropStream,
    draw_crop,
    loaded_batches,
    prefetched_batches,
    read_truth_pages,
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two pages of thick lines, drawn where the ground truth says."""
    path = tmp_path / "pages.zip"
    rows = []
    with zipfile.ZipFile(path, "w") as packed:
        for number in range(2):
            page = np.full((600, 500), 220, np.uint8)
            lines = []
            for y in range(80, 560, 50):
                cv2.line(page, (60, y), (440, y), 30, 5)
                lines.append({"baseline": [[60, y], [440, y]], "spacing": 50.0})
            name = f"drawn/{number}.png"
            packed.writestr(name, cv2.imencode(".png", page)[1].tobytes())
            rows.append(json.dumps({"file": name, "source": "drawn", "lines": lines}))
        packed.writestr("pages.jsonl", "\n".join(rows))
    return path


def test_truth_pages_are_read_with_their_lines(archive: Path) -> None:
    pages = read_truth_pages(archive)
    assert [page.name for page in pages] == ["drawn/0.png", "drawn/1.png"]
    assert pages[0].image.shape == (600, 500)
    assert pages[0].half.shape == (300, 250)
    assert len(pages[0].baselines) == 10
    assert pages[0].spacings_px == (50.0,) * 10
    assert len(read_truth_pages(archive, limit=1)) == 1


def test_targets_lie_on_the_lines_of_the_distorted_crop(archive: Path) -> None:
    page = read_truth_pages(archive)[0]
    settings = PageAugmentation(turned=0.3)
    darker = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        image, fine, _, _ = draw_crop(page, 256, rng, settings)
        small = cv2.resize(image[0], (128, 128), interpolation=cv2.INTER_AREA).astype(float)
        core = cv2.erode(fine[0], np.ones((2, 2), np.uint8)) > 0
        around = (cv2.dilate(fine[0], np.ones((9, 9), np.uint8)) > 0) & (fine[0] == 0)
        assert core.any()
        darker += abs(small[core].mean() - small[around].mean()) > 4
    assert darker >= 10  # the ink is under the stroke unless contrast has been taken away


def test_crops_are_repeatable(archive: Path) -> None:
    pages = read_truth_pages(archive)
    first = next(iter(CropStream(pages, 128, seed=4)))
    again = next(iter(CropStream(pages, 128, seed=4)))
    other = next(iter(CropStream(pages, 128, seed=5)))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_batches_have_the_shapes_of_the_network(archive: Path) -> None:
    batches = prefetched_batches(CropStream(read_truth_pages(archive), 128, seed=1), batch=3)
    image, fine, coarse, known = next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert image.shape == (3, 1, 128, 128)
    assert fine.shape == (3, 3, 64, 64)
    assert coarse.shape == (3, 3, 32, 32)
    assert known.shape == (3, 32, 32)


def test_processes_draw_crops_of_their_own(archive: Path) -> None:
    stream = CropStream(read_truth_pages(archive), 128, seed=1)
    batches = loaded_batches(stream, 2, 2)
    (first, *_), (second, *_) = next(batches), next(batches)
    batches.close()
    assert first.shape == second.shape == (2, 1, 128, 128)
    assert not torch.equal(first, second)


def test_working_spacing_of_crops_stays_in_range() -> None:
    settings = PageAugmentation(perspective=0.0, shear=0.0, stretch=1.0)
    rng = np.random.default_rng(0)
    spacings = []
    for _ in range(200):
        matrix = draw_transform((1500, 1000), 50.0, (500, 700), 640, rng, settings)
        spacings.append(50 * local_scale(np.array([500.0, 700.0]), matrix))
    assert 16.9 < min(spacings) < 30
    assert 60 < max(spacings) < 88.1


def test_points_follow_the_perspective() -> None:
    matrix = np.array([[2.0, 0, 10], [0, 2.0, 20], [0.001, 0, 1]])
    moved = transform_points(np.array([[100.0, 50.0]]), matrix)
    assert moved[0] == pytest.approx([210 / 1.1, 120 / 1.1])


def test_learning_rate_rises_by_steps_and_falls_by_time() -> None:
    config = PretrainConfig(minutes=10, learning_rate=1.0, warmup_steps=100)
    assert learning_rate_at(0, 0.0, config) == pytest.approx(0.01)
    assert learning_rate_at(1000, 0.0, config) == pytest.approx(1.0)
    assert learning_rate_at(1000, 300.0, config) == pytest.approx(0.5)
    assert learning_rate_at(1000, 600.0, config) == pytest.approx(0.002)
    assert learning_rate_at(1000, 6000.0, config) == pytest.approx(0.002)


def test_loss_is_lowest_for_the_truth() -> None:
    truth = torch.zeros(1, 3, 16, 16)
    truth[:, :, 6:8] = 1
    values = torch.full((1, 3, 8, 8), 0.5)
    known = torch.ones(1, 8, 8)
    config = PretrainConfig()
    right, parts = segmentation_loss(truth * 20 - 10, values, (truth, values, known), config)
    wrong, _ = segmentation_loss(10 - truth * 20, values + 1, (truth, values, known), config)
    assert float(right) < 0.01
    assert parts["spacing"] == 0
    assert float(wrong) > 10


def test_spacing_does_not_count_where_it_is_unknown() -> None:
    truth = torch.zeros(1, 3, 16, 16)
    values = torch.zeros(1, 3, 8, 8)
    known = torch.zeros(1, 8, 8)
    _, parts = segmentation_loss(truth - 10, values + 5, (truth, values, known), PretrainConfig())
    assert parts["spacing"] == 0
    assert parts["direction"] == 0


def test_average_follows_slowly_once_training_is_under_way() -> None:
    mean, network = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    torch.nn.init.zeros_(mean.weight)
    torch.nn.init.ones_(network.weight)
    update_average(mean, network, step=0, decay=0.9)
    assert mean.weight.item() == pytest.approx(0.9)
    torch.nn.init.zeros_(mean.weight)
    update_average(mean, network, step=10_000, decay=0.9)
    assert mean.weight.item() == pytest.approx(0.1)


def test_stopped_training_goes_on_and_writes_usable_weights(archive: Path, tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    config = PretrainConfig(minutes=0.01, crop_px=64, batch=2, warmup_steps=2)
    weights = train([archive], run_dir, config)
    before = torch.load(run_dir / CHECKPOINT, weights_only=True)
    longer = PretrainConfig(minutes=0.02, crop_px=64, batch=2, warmup_steps=2)
    train([archive], run_dir, longer)
    after = torch.load(run_dir / CHECKPOINT, weights_only=True)
    assert before["step"] >= 1
    assert after["step"] > before["step"]
    assert after["trained_s"] > before["trained_s"] >= 0.6
    assert json.loads((run_dir / "facts.json").read_text())["steps"] == after["step"]
    load_segmenter(weights)


def test_training_starts_from_weights_as_they_ship(archive: Path, tmp_path: Path) -> None:
    config = PretrainConfig(minutes=0.01, crop_px=64, batch=2, warmup_steps=2)
    shipped = train([archive], tmp_path / "first", config)
    still = PretrainConfig(minutes=0.0, crop_px=64, batch=2, inserted=1.0)
    again = train([archive], tmp_path / "second", still, start_from=shipped)
    first, second = read_segmenter(shipped).state_dict(), read_segmenter(again).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
