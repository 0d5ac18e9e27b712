from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from segmentation.lines import MAX_CROP_WIDTH_PX
from tests.training.corrected_lines import train_line
from training.errors import TrainingError
from training.frozen_lines import (
    SnapshotFacts,
    has_snapshot,
    line_id_of,
    line_image,
    line_key,
    read_snapshot,
    write_snapshot,
)
from training.line_images import encode_png
from training.lines import TrainLine

FACTS = SnapshotFacts(
    base_model_id=1,
    base_model_sha256="ab" * 32,
    alphabet=("a", "b"),
    seed=3,
    settings={"minutes": 5.0},
    split_kind="pages",
    explanation="1 page will teach the model, 1 page (1 line) will test it.",
    train_images=("12" * 32,),
    document_ids=(4,),
)
LINES = {
    "train": [train_line("line-1", "ab", seed=1), train_line("line-2", "ẽ ba", seed=2)],
    "test": [train_line("line-3", "b a", page="page-2", seed=3)],
    "reference": [train_line("drawn-reference-0", "bb", page="marck-script", seed=4)],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_snapshot(tmp_path / "snapshot", FACTS, LINES)
    return tmp_path / "snapshot"


def test_a_snapshot_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = write_snapshot(tmp_path / "s", FACTS, LINES)
    read = read_snapshot(tmp_path / "s")
    assert read.sha256 == written.sha256
    assert read.facts == FACTS
    assert [(line.key, line.text, line.page, line.group) for line in read.train] == [
        ("line-1", "ab", "page-1", "document-1"),
        ("line-2", "ẽ ba", "page-1", "document-1"),
    ]
    assert np.array_equal(read.test[0].image, LINES["test"][0].image)
    assert (len(read.test), len(read.reference), len(read.replay)) == (1, 1, 0)
    assert (read.seed, read.alphabet, read.base_model_sha256) == (3, ("a", "b"), "ab" * 32)


def test_the_same_content_has_the_same_hash_and_other_content_another(tmp_path: Path) -> None:
    first = write_snapshot(tmp_path / "1", FACTS, LINES).sha256
    assert write_snapshot(tmp_path / "2", FACTS, LINES).sha256 == first
    other_seed = SnapshotFacts(**{**vars(FACTS), "seed": 4})
    assert write_snapshot(tmp_path / "3", other_seed, LINES).sha256 != first
    moved = {"train": LINES["train"] + LINES["test"], "reference": LINES["reference"]}
    assert write_snapshot(tmp_path / "4", FACTS, moved).sha256 != first


def test_a_snapshot_is_never_overwritten(folder: Path) -> None:
    with pytest.raises(TrainingError, match="a snapshot is never changed"):
        write_snapshot(folder, FACTS, LINES)


def test_a_snapshot_without_its_facts_counts_for_nothing_and_is_taken_anew(folder: Path) -> None:
    sha256 = read_snapshot(folder).sha256
    (folder / "snapshot.json").unlink()
    assert not has_snapshot(folder)
    assert write_snapshot(folder, FACTS, LINES).sha256 == sha256


def test_nothing_to_learn_from_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="There is no line to learn from"):
        write_snapshot(tmp_path / "s", FACTS, {"test": LINES["test"]})
    assert not (tmp_path / "s").exists()


def test_a_disk_that_refuses_is_reported_and_leaves_no_snapshot(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"")  # a file where the folder should be: writing must fail
    with pytest.raises(TrainingError, match="Make room on the disk and start again"):
        write_snapshot(tmp_path / "s", FACTS, LINES)
    assert not has_snapshot(tmp_path / "s")


def changed_label(folder: Path, **values: object) -> None:
    path = folder / "labels.jsonl"
    first, *rest = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([json.dumps({**json.loads(first), **values}), *rest]), "utf-8")


@pytest.mark.parametrize(
    "values",
    [
        {"text": "ba"},
        {"role": "test"},
        {"page": "page-9"},
        {"role": "other"},
        {"text": 7},
        {"text": "a" * 3000},
        {"key": "../../line-1"},
        {"key": "line-2"},
        {"text": "e\u0303"},
        {"text": "a\u0007"},
    ],
)
def test_changed_labels_are_refused(folder: Path, values: dict) -> None:
    changed_label(folder, **values)
    with pytest.raises(TrainingError):
        read_snapshot(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 4},
        {"seed": "3"},
        {"version": 2},
        {"sha256": "0" * 64},
        {"settings": []},
        {"alphabet": "ab"},
        {"document_ids": [None]},
        {"base_model_sha256": "../x"},
    ],
)
def test_changed_facts_are_refused(folder: Path, change: dict) -> None:
    path = folder / "snapshot.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **change}), "utf-8")
    with pytest.raises(TrainingError, match="is damaged"):
        read_snapshot(folder)


@pytest.mark.parametrize("name", ["snapshot.json", "labels.jsonl"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_files_that_are_no_json_are_refused(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(TrainingError):
        read_snapshot(folder)


def test_a_changed_pixel_is_noticed(folder: Path) -> None:
    image = LINES["train"][0].image.copy()
    image[0, 0] ^= 1
    (folder / "lines" / "line-1.png").write_bytes(encode_png(image))
    with pytest.raises(TrainingError, match="its content does not match its SHA-256"):
        read_snapshot(folder)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((65, 90), np.uint8),
        np.zeros((64, MAX_CROP_WIDTH_PX + 1), np.uint8),
        np.zeros((64, 90, 3), np.uint8),
        np.zeros((64, 90), np.uint16),
    ],
)
def test_images_that_are_no_line_crops_are_refused(folder: Path, image: np.ndarray) -> None:
    (folder / "lines" / "line-1.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
    with pytest.raises(TrainingError, match="line-1"):
        read_snapshot(folder)


def test_a_missing_or_broken_image_is_refused(folder: Path) -> None:
    path = folder / "lines" / "line-1.png"
    path.write_bytes(path.read_bytes()[:33])  # the header only
    with pytest.raises(TrainingError, match="image of line line-1 is damaged"):
        read_snapshot(folder)
    path.unlink()
    with pytest.raises(TrainingError, match="line-1.png cannot be read"):
        read_snapshot(folder)


@pytest.mark.parametrize(
    "line",
    [
        TrainLine("Line 1", np.zeros((64, 9), np.uint8), "a", "p"),
        TrainLine("line-1", np.zeros((64, 0), np.uint8), "a", "p"),
        TrainLine("line-1", np.zeros((64, 9), np.float32), "a", "p"),
        TrainLine("line-1", np.zeros((64, 9), np.uint8), " ", "p"),
    ],
)
def test_lines_that_cannot_be_kept_are_refused(tmp_path: Path, line: TrainLine) -> None:
    with pytest.raises(TrainingError):
        write_snapshot(tmp_path / "s", FACTS, {"train": [line]})


def test_images_are_served_by_key_only(folder: Path) -> None:
    assert line_image(folder, "line-1").startswith(b"\x89PNG")
    for key in ("../snapshot", "line-1/../line-1", "", "line-77"):
        with pytest.raises(TrainingError):
            line_image(folder, key)


def test_keys_name_corrected_lines_by_number() -> None:
    assert line_id_of(line_key(12)) == 12
    assert line_id_of("drawn-reference-0") is None
