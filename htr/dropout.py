"""What is dropped in training: activations, and whole branches of samples.

Both draw from torch's one source of chance, or from one of their own: threads that train at once
cannot share the first and still give the same bits every time.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Dropout(nn.Dropout):
    """Dropout whose chance may be its own, see `draw_from`."""

    chance: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Return x with a share p of its values zero, the others scaled up; unchanged in eval."""
        if self.chance is None or not self.training or self.p == 0:
            return super().forward(x)
        kept = torch.empty_like(x).bernoulli_(1 - self.p, generator=self.chance)
        return x * kept / (1 - self.p)


class DropPath(nn.Module):
    """In training, drops a branch for whole samples and scales up the others."""

    chance: torch.Generator | None = None

    def __init__(self, share: float) -> None:
        """Drop this share of the samples, 0 to 1."""
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, T, D) with some samples zero; unchanged in eval mode."""
        if not self.training or self.share == 0:
            return x
        chance = torch.rand(x.shape[0], 1, 1, device=x.device, generator=self.chance)
        return x * (chance >= self.share).to(x.dtype) / (1 - self.share)


def draw_from(network: nn.Module, chance: torch.Generator) -> None:
    """Let all that is dropped in the network be drawn from there, from now on."""
    for module in network.modules():
        if isinstance(module, Dropout | DropPath):
            module.chance = chance
