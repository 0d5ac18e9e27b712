"""A model with all that training it needs: the network, the TCM head, the alphabet, the facts."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from htr.alphabet import Alphabet
from htr.checkpoint import Checkpoint, load_checkpoint, read_tensors, save_checkpoint
from htr.config import ModelConfig
from htr.header import TCM_PREFIX, CheckpointHeader, read_header, tcm_shapes
from htr.model import HTRConvText
from training.errors import TrainableError
from training.tcm import TCMHead, fresh_head

TCM_SEED = 5012921
"""Seed of a new TCM head, fixed so that the same training gives the same model."""


@dataclass(frozen=True)
class Trainable:
    """A network and its TCM head, of one alphabet; both are trained in place.

    model: in eval mode when loaded. tcm: None trains by CTC alone; in training mode when loaded.
    facts: "name", "created", "training" and "metrics" of the file, see `htr/header.py`.
    """

    model: HTRConvText
    tcm: TCMHead | None
    alphabet: Alphabet
    config: ModelConfig
    facts: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Refuse parts of different models, which would train on the wrong classes."""
        classes = self.config.classes
        if self.model.config != self.config or self.alphabet.classes != classes:
            raise TrainableError(
                f"The network has {self.model.config.classes} classes, the alphabet "
                f"{self.alphabet.classes} and the configuration {classes}; "
                f"they belong to different models."
            )
        if self.tcm is not None and (self.tcm.classes, self.tcm.embed_dim) != (
            classes,
            self.config.embed_dim,
        ):
            raise TrainableError(
                f"The TCM head is made for {self.tcm.classes} classes and width "
                f"{self.tcm.embed_dim}, the network has {classes} and {self.config.embed_dim}."
            )

    def copy(self) -> Trainable:
        """Return a copy that shares no numbers with this one."""
        return replace(self, model=copy.deepcopy(self.model), tcm=copy.deepcopy(self.tcm))


def load_trainable(path: Path | str, seed: int = TCM_SEED) -> Trainable:
    """Return the model of a file, fp32 on the CPU, with its TCM head or a new one from `seed`.

    Raises RecognitionError if the model can't be used at all (see `htr.load_checkpoint`), and
    TrainableError if only its TCM head can't; nothing is allocated for a head that does not fit.
    """
    path = Path(path)
    header = read_header(path)
    stored = _check_tcm_entries(path.name, header)
    checkpoint = load_checkpoint(path)
    config = checkpoint.config
    tcm = fresh_head(config.embed_dim, config.classes, seed)
    if stored:
        _fill_head(path.name, tcm, read_tensors(path, stored))
    return Trainable(checkpoint.model, tcm, checkpoint.alphabet, config, checkpoint.facts)


def trainable_from(checkpoint: Checkpoint, seed: int = TCM_SEED) -> Trainable:
    """Return a loaded model with a new TCM head from `seed`; the network is shared, not copied."""
    config = checkpoint.config
    tcm = fresh_head(config.embed_dim, config.classes, seed)
    return Trainable(checkpoint.model, tcm, checkpoint.alphabet, config, checkpoint.facts)


def save_trainable(
    path: Path | str,
    trainable: Trainable,
    *,
    name: str,
    created: datetime,
    training: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    half: bool = False,
) -> Path:
    """Return `path` after writing network and TCM head into one model file, whole or not at all.

    See `htr.save_checkpoint` for the arguments and the errors. `load_checkpoint` reads the file
    without the head, `load_trainable` with it.
    """
    head = None if trainable.tcm is None else trainable.tcm.state_dict()
    return save_checkpoint(
        path,
        trainable.model,
        trainable.alphabet,
        name=name,
        created=created,
        training=training,
        metrics=metrics,
        half=half,
        tcm_head=head,
    )


def _check_tcm_entries(name: str, header: CheckpointHeader) -> list[str]:
    """Return the full names of the head's tensors, none if the file has no head.

    Raises TrainableError unless names and shapes are those of the network's own head.
    """
    found = {
        key.removeprefix(TCM_PREFIX): entry.shape
        for key, entry in header.tensors.items()
        if key.startswith(TCM_PREFIX)
    }
    expected = tcm_shapes(header.config)
    if not found:
        return []
    for key in sorted(found.keys() | expected):
        if found.get(key) != expected.get(key):
            raise TrainableError(
                f"{name} can't be trained further: its TCM head holds {key[:80]!r} of shape "
                f"{found.get(key, 'none (it is missing)')}, expected "
                f"{expected.get(key, 'no such tensor')}. The file was altered; it can still read. "
                f"Train from the model that it was made from."
            )
    return [TCM_PREFIX + key for key in expected]


def _fill_head(name: str, tcm: TCMHead, tensors: Mapping[str, Tensor]) -> None:
    """Give the head these numbers; the row of <pad> is zero whatever the file says."""
    state = {key.removeprefix(TCM_PREFIX): tensor.float() for key, tensor in tensors.items()}
    for key, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise TrainableError(
                f"{name} can't be trained further: its TCM head holds numbers that are not finite "
                f"(in {key}). It can still read. Train from the model that it was made from."
            )
    tcm.load_state_dict(state)
    with torch.no_grad():
        tcm.emb.weight[tcm.pad].zero_()
