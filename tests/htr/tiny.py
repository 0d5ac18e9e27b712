"""A tiny random model that tests share: seconds matter, what it reads does not."""

from __future__ import annotations

import torch

from htr.alphabet import Alphabet
from htr.config import ModelConfig
from htr.model import HTRConvText

ALPHABET = Alphabet(tuple(" abcdé"))

TINY = ModelConfig(
    embed_dim=32,
    depth=4,
    heads=2,
    stem_head_dim=8,
    conv_kernel=3,
    down_after=1,
    up_after=3,
    max_relative_positions=16,
    classes=ALPHABET.classes,
    contrast="percentile",
)


def tiny_model(config: ModelConfig = TINY, seed: int = 1) -> HTRConvText:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return HTRConvText(config).eval()
