"""The state of a run on disk, so that a run that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from training.errors import TrainingError
from training.finetune_config import FinetuneConfig
from training.lines import TrainLine
from training.trainable import Trainable

CHECKPOINT = "checkpoint.safetensors"
LAYOUT = 1  # of the content; another one is not gone on from

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SavedState:
    """What a stopped run needs to go on. facts: JSON values."""

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]


def run_fingerprint(
    base: Trainable, line_sets: Iterable[Iterable[TrainLine]], config: FinetuneConfig
) -> str:
    """Return a hash of all that a run computes with: another hash is another run.

    How often a checkpoint is written does not change what is computed and is left out.
    """
    settings = {name: value for name, value in asdict(config).items() if name != "save_s"}
    content = hashlib.sha256(json.dumps([LAYOUT, settings], sort_keys=True).encode())
    content.update(json.dumps(base.alphabet.characters).encode())
    for tensor in base.model.state_dict().values():
        content.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    for lines in line_sets:
        content.update(b"set")
        for line in lines:
            content.update(json.dumps([line.key, line.text, *line.image.shape]).encode())
            content.update(line.image.tobytes())
    return content.hexdigest()


def save_state(folder: Path, fingerprint: str, state: SavedState) -> None:
    """Write the state into the run's folder, whole or not at all; an older one is replaced.

    Raises TrainingError if the disk does not take it; the older one is then still there.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.tensors.items()}
    facts = {"fingerprint": fingerprint, "facts": json.dumps(state.facts)}
    data = safetensors.torch.save(tensors, facts)
    fresh = folder / (CHECKPOINT + ".new")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, folder / CHECKPOINT)
    except OSError as error:
        _remove(fresh)
        raise TrainingError(
            f"The state of the training could not be written to {folder}: "
            f"{error.strerror or error}. Free some space and resume; the last state that was "
            f"written is kept."
        ) from error


def load_state(folder: Path, fingerprint: str) -> SavedState | None:
    """Return the state that a run with this fingerprint left, None if there is none to go on from.

    A state of another run, or a damaged one, is not gone on from: the run starts from its
    beginning and says so in the log.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("fingerprint") != fingerprint:
                _log.warning("%s is of another training; starting from the beginning", path)
                return None
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return SavedState(tensors, json.loads(metadata["facts"]))
    except (OSError, safetensors.SafetensorError, KeyError, ValueError) as error:
        _log.warning("%s is damaged (%s); starting from the beginning", path, error)
        return None


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("%s could not be removed: %s", path, error)
