"""A wider network from a narrower one, which reads at once nearly as well.

A network that begins from nothing has to see hundreds of thousands of lines before it reads. A
wider one that begins as the narrower one, with room beside it, only has to learn what to do with
the room. The old numbers keep their places, and what they compute sees nothing of the new
features: their weights for these are zero. The new features see everything, by random weights as
large as the old ones. Only norms over all features mix both, in the mean and the spread that they
divide by.

Source of the idea: Chen et al. 2016, "Net2Net: Accelerating learning via knowledge transfer".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from htr.config import ModelConfig
from htr.errors import ModelConfigError
from htr.model import HTRConvText
from training.errors import TrainableError
from training.tcm import fresh_head
from training.trainable import TCM_SEED, Trainable

PARTS = 3  # of a joint projection: query, key, value
QKV = ".attn.qkv."


def widened(trainable: Trainable, embed_dim: int, seed: int) -> Trainable:
    """Return a model of that width that begins as the given one; its TCM head begins anew.

    embed_dim: wider than the model's. Heads of the encoder keep their width and become more;
    those of the stem stay as many and become wider. seed: of the new weights.

    Raises TrainableError if there is no network of that width to grow into.
    """
    old = trainable.config
    config = _wider(old, embed_dim)
    chance = torch.Generator().manual_seed(seed)
    model = HTRConvText(config).eval()
    state = model.state_dict()
    for name, value in trainable.model.state_dict().items():
        kept, room = _sides(name, value, old), _sides(name, state[name], config)
        grown = _grown(kept, room.value.shape, chance)
        if QKV in name:
            _keep_scores(grown, kept.value)
        state[name] = grown.reshape(state[name].shape)
    model.load_state_dict(state)
    tcm = fresh_head(embed_dim, config.classes, TCM_SEED) if trainable.tcm else None
    return Trainable(model, tcm, trainable.alphabet, config, trainable.facts)


@dataclass(frozen=True)
class _Sides:
    """Numbers of a network, heads a side of their own.

    outputs: how many of the first sides say what is computed; the others say from what.
    """

    value: Tensor
    outputs: int

    @property
    def has_inputs(self) -> bool:
        return math.prod(self.value.shape[self.outputs :]) > 1


def _sides(name: str, value: Tensor, config: ModelConfig) -> _Sides:
    in_stem = name.startswith("patch_embed.")
    head_dim = config.stem_head_dim if in_stem else config.embed_dim // config.heads
    if QKV in name:  # (3 * N * E, ...) -> (3, N, E, ...)
        return _Sides(value.reshape(PARTS, -1, head_dim, *value.shape[1:]), 3)
    if name.endswith(".attn.proj.weight"):  # (D, N * E) -> (D, N, E)
        return _Sides(value.reshape(value.shape[0], -1, head_dim), 1)
    if name.endswith(".rel_pos_bias.bias.weight"):  # (R, N)
        return _Sides(value, 2)
    return _Sides(value, 1)


def _wider(old: ModelConfig, embed_dim: int) -> ModelConfig:
    head_dim = old.embed_dim // old.heads
    stem_heads = old.embed_dim // 4 // old.stem_head_dim
    try:
        if embed_dim <= old.embed_dim:
            raise ModelConfigError("Name a larger width.")
        if embed_dim % head_dim:
            raise ModelConfigError(f"Its heads are {head_dim} wide; name a multiple of that.")
        return replace(
            old,
            embed_dim=embed_dim,
            heads=embed_dim // head_dim,
            stem_head_dim=embed_dim // 4 // stem_heads,
        )
    except ModelConfigError as error:
        raise TrainableError(
            f"A network {old.embed_dim} wide cannot be widened to {embed_dim}. {error}"
        ) from error


def _grown(old: _Sides, shape: torch.Size, chance: torch.Generator) -> Tensor:
    """Return the old numbers at the beginning of every side, new ones in the room beside."""
    value = old.value
    if value.shape == shape:
        return value.clone()
    if old.has_inputs:
        more = math.prod(shape[old.outputs :]) / math.prod(value.shape[old.outputs :])
        grown = torch.randn(shape, generator=chance) * (value.std() / math.sqrt(more))
    else:  # biases, norms, scales: as the old ones are on the whole
        grown = torch.full(shape, float(value.mean()))
    grown[tuple(slice(size) for size in value.shape[: old.outputs])] = 0
    grown[tuple(slice(size) for size in value.shape)] = value
    return grown


def _keep_scores(grown: Tensor, old: Tensor) -> None:
    """Let the scores of old heads be those of before, though these are wider.

    grown, old: (3, N, E, ...). Their new queries are zero, so that only the keys of before count,
    and the old ones are larger by as much as scores are divided by.
    """
    heads, wide, wider = old.shape[1], old.shape[2], grown.shape[2]
    grown[0, :heads, wide:] = 0
    grown[0, :heads] *= math.sqrt(wider / wide)
