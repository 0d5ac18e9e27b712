"""Several processes that train one model take the steps that one process would take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import safetensors.torch
import torch

from tests.conftest import REPOSITORY
from tests.htr.tiny import ALPHABET, TINY, tiny_model
from tests.htr_lines import drawn_line
from tests.training.line_sets import TEXTS, drawn_lines
from training.batch_statistics import BatchStatistics
from training.errors import TrainingError
from training.finetune_checkpoint import CHECKPOINT
from training.line_batches import LineBatches, prepare_lines
from training.pretraining import LOG
from training.team import ALONE, Team, joined_team

COMMON = (
    "--batch-lines 4 --micro-lines 2 --embed-dim 32 --heads 2 --device cpu --precision fp32 "
    "--drawn-share 0 --warmup-steps 1"
).split()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "lines.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for number, text in enumerate(TEXTS):
            packed.writestr(f"{number}.png", cv2.imencode(".png", drawn_line(text))[1].tobytes())
            packed.writestr(f"{number}.txt", text)
    return path


def train(archive: Path, folder: Path, processes: int, steps: int) -> dict[str, torch.Tensor]:
    """Return the state after a run of the command by so many processes."""
    many = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [sys.executable, *(many if processes > 1 else []), "-m", "training.pretrain"]
    command += [str(archive), "--run-dir", str(folder), "--validation", str(archive)]
    done = subprocess.run(
        [*command, "--steps", str(steps), *COMMON],
        cwd=REPOSITORY,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return safetensors.torch.load_file(folder / CHECKPOINT)


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one_also_after_a_stop(
    archive: Path, tmp_path: Path
) -> None:
    for steps in (2, 4):
        one = train(archive, tmp_path / "one", 1, steps)
        two = train(archive, tmp_path / "two", 2, steps)
    assert one.keys() == two.keys()
    for name, value in one.items():
        if not name.endswith("num_batches_tracked"):
            assert torch.allclose(value, two[name], rtol=1e-5, atol=1e-6), name
    events = [json.loads(row) for row in (tmp_path / "two" / LOG).read_text().splitlines()]
    assert [event["processes"] for event in events if "begun" in event] == [2]
    assert [event["step"] for event in events if "resumed" in event] == [2]
    assert [event["lines_seen"] for event in events if "cer" in event] == [8, 16]


def test_shares_of_a_step_are_all_of_its_lines() -> None:
    shares = [range(7)[Team(rank, 3).share(7)] for rank in range(3)]
    assert [list(share) for share in shares] == [[0, 1], [2, 3], [4, 5, 6]]
    with pytest.raises(TrainingError, match="2 lines cannot be shared by 3 processes"):
        Team(0, 3).share(2)


def test_share_of_a_batch_is_made_alone_and_widened_to_the_others() -> None:
    lines = prepare_lines([*drawn_lines(3), *drawn_lines(1, 3)], TINY, ALPHABET)
    lines[0] = replace(lines[0], image=np.tile(lines[0].image, 3))
    batches = LineBatches(lines, TINY, 4, seed=1)
    whole = batches.batch(0)
    width_px = whole.images.shape[3]
    parts = [batches.batch(0, Team(rank, 2).share(4)) for rank in range(2)]
    assert [(part.first, part.step_lines) for part in parts] == [(0, 4), (2, 4)]
    assert min(part.images.shape[3] for part in parts) < width_px
    images = np.concatenate([part.widened(width_px).images for part in parts])
    assert np.array_equal(images, whole.images)
    assert parts[0].targets + parts[1].targets == whole.targets
    assert parts[0].step_counts + parts[1].step_counts == whole.step_counts


def test_statistics_of_batch_norm_are_the_mean_of_the_parts() -> None:
    model = tiny_model().train()
    norm = model.patch_embed.bn1
    before = norm.running_mean.clone()
    images = torch.rand(4, 1, 64, 64)
    alone = []
    for part in (images[:1], images[1:]):
        model.features(part)
        alone.append(norm.running_mean.clone())
        norm.running_mean.copy_(before)
    statistics = BatchStatistics(model)
    for attempt in range(2):  # the first one breaks off half-way
        statistics.begin()
        for part in (images[:1], images[1:])[: 1 + attempt]:
            model.features(part)
            statistics.add(len(part) / 4)
    statistics.put()
    assert torch.allclose(norm.running_mean, 0.25 * alone[0] + 0.75 * alone[1], atol=1e-6)


def test_process_alone_needs_nobody() -> None:
    with joined_team("cpu") as (team, device):
        assert team is ALONE and device == "cpu"
        assert team.most(2.5) == 2.5
        value = torch.ones(2)
        team.add_up([value])
        assert value.tolist() == [1.0, 1.0]
