"""The HTR-ConvText network: line images -> a score of every class at every time step.

Letters of shapes, here and in `stem.py`:
    B  batch                        W  width of the images in px
    D  embedding (`embed_dim`)      T  time steps, ceil(W / 4)
    V  classes, blank included      N  attention heads
    E  width of a head, D / N       R  relative positions, 2 * max_relative_positions - 1

Names of parameters and buffers are those of the published checkpoints.

Source: Truc et al. 2025, "HTR-ConvText", arXiv 2512.05021.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from htr.config import ModelConfig
from htr.dropout import Dropout, DropPath
from htr.errors import ModelInputError
from htr.stem import Stem, split_heads

__all__ = ["LAYER_SCALE", "PUBLISHED_LAYER_SCALE", "HTRConvText", "ModelConfig"]

PX_PER_STEP = 4
"""Width of one time step in the line image."""

DROPOUT = 0.1
"""Share of a branch's activations dropped in training. Source: the paper's recipe."""

DROP_PATH = 0.1
"""Share of samples whose last branch is dropped; grows from 0 over the depth."""

LAYER_SCALE = 0.1
"""First weight of every branch: learns faster than the published 1e-5 in short trainings."""

PUBLISHED_LAYER_SCALE = 1e-5
"""First weight of every branch in the published recipe of 100,000 steps."""


class HTRConvText(nn.Module):
    """The network of one configuration, randomly initialised, in training mode."""

    def __init__(
        self,
        config: ModelConfig,
        dropout: float = DROPOUT,
        drop_path: float = DROP_PATH,
        layer_scale: float = LAYER_SCALE,
    ) -> None:
        """Build the stem, the blocks, the U-Net in time and the head."""
        super().__init__()
        self.config = config
        wide = config.embed_dim
        self.patch_embed = Stem(config)
        self.blocks = nn.ModuleList(
            ConvTextBlock(config, dropout, layer_scale) for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(wide, eps=1e-6)
        self.head = nn.Linear(wide, config.classes)
        self.down1 = HalveTime(wide)
        self.up1 = RestoreTime(wide)
        self.set_dropout(dropout, drop_path)

    def set_dropout(self, dropout: float, drop_path: float) -> None:
        """Drop these shares in training from now on, 0-1.

        drop_path: that of the last block; it grows to it from none in the first.
        """
        for module in self.modules():
            if isinstance(module, Dropout):
                module.p = dropout
        last = max(1, self.config.depth - 1)
        for index, block in enumerate(self.blocks):
            block.drop_path.share = drop_path * index / last  # type: ignore[union-attr]

    def features(self, images: Tensor) -> Tensor:
        """Return the features (B, T, D) before the head, layer-normalised.

        images: (B, 1, 64, W) float, 0 black to 1 white, padded on the right with 1.
        Raises ModelInputError for any other shape or an integer type.
        """
        self._check(images)
        x = self.patch_embed(images)
        x = x.squeeze(2).transpose(1, 2)  # (B, D, 1, T) -> (B, T, D)
        skip = x
        for number, block in enumerate(self.blocks, start=1):
            x = block(x)
            if number == self.config.down_after:
                skip = x
                x = self.down1(x)
            if number == self.config.up_after:
                x = self.up1(x, skip)
        return self.norm(x)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (B, T, V) of images (B, 1, 64, W); see `features`."""
        return self.head(self.features(images))

    def _check(self, images: Tensor) -> None:
        height = self.config.image_height
        shape = tuple(images.shape)
        if len(shape) != 4 or shape[1] != 1 or shape[2] != height or shape[0] * shape[3] == 0:
            raise ModelInputError(
                f"The images have shape {shape}, expected (batch, 1, {height}, width) "
                f"with at least one image and one column."
            )
        if not images.is_floating_point():
            raise ModelInputError(
                f"The images are {images.dtype}, expected floating point from 0 to 1."
            )


class ConvTextBlock(nn.Module):
    """Attention, half a feed-forward, convolution, half a feed-forward; each post-normed.

    Every branch adds to its input, weighted by a learned layer scale.
    """

    def __init__(self, config: ModelConfig, dropout: float, layer_scale: float) -> None:
        """Build one block; whole branches are dropped once the network says how often."""
        super().__init__()
        wide = config.embed_dim
        self.attn = RelativeAttention(config, dropout)
        self.ffn1 = FeedForward(wide, dropout)
        self.conv = TimeConvolution(wide, config.conv_kernel, dropout)
        self.ffn2 = FeedForward(wide, dropout)
        self.postln_attn = nn.LayerNorm(wide, eps=1e-6)
        self.postln_ffn1 = nn.LayerNorm(wide, eps=1e-6)
        self.postln_conv = nn.LayerNorm(wide, eps=1e-6)
        self.postln_ffn2 = nn.LayerNorm(wide, eps=1e-6)
        self.ls_attn = LayerScale(wide, layer_scale)
        self.ls_ffn1 = LayerScale(wide, layer_scale)
        self.ls_conv = LayerScale(wide, layer_scale)
        self.ls_ffn2 = LayerScale(wide, layer_scale)
        self.drop_path = DropPath(0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, T, D) for (B, T, D)."""
        x = self.postln_attn(x + self.drop_path(self.ls_attn(self.attn(x))))
        x = self.postln_ffn1(x + self.drop_path(self.ls_ffn1(0.5 * self.ffn1(x))))
        x = self.postln_conv(x + self.drop_path(self.ls_conv(self.conv(x))))
        return self.postln_ffn2(x + self.drop_path(self.ls_ffn2(0.5 * self.ffn2(x))))


class RelativeAttention(nn.Module):
    """softmax(q k^T / sqrt(E) + bias) v, the bias learned for each head and relative distance."""

    def __init__(self, config: ModelConfig, dropout: float) -> None:
        """Build the projections and the table of biases."""
        super().__init__()
        self.heads = config.heads
        self.rel_pos_bias = RelativeBias(config.max_relative_positions, config.heads)
        self.qkv = nn.Linear(config.embed_dim, 3 * config.embed_dim)
        self.proj = nn.Linear(config.embed_dim, config.embed_dim)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, T, D) for (B, T, D)."""
        query, key, value = split_heads(self.qkv(x), self.heads)
        bias = self.rel_pos_bias(x.shape[1]).to(query.dtype)
        y = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        # (B, N, T, E) -> (B, T, D)
        return self.dropout(self.proj(y.transpose(1, 2).reshape(x.shape)))


class RelativeBias(nn.Module):
    """A learned number for every head and clamped relative distance of two time steps."""

    def __init__(self, max_positions: int, heads: int) -> None:
        """Start with no preference for any distance."""
        super().__init__()
        self.max_distance = max_positions - 1
        # Not drawn and then zeroed: drawing on the meta device imports torch's compiler, seconds.
        self.bias = nn.Embedding.from_pretrained(
            torch.zeros(2 * max_positions - 1, heads), freeze=False
        )

    def forward(self, steps: int) -> Tensor:
        """Return (1, N, T, T); entry i, j belongs to the distance i - j of query and key."""
        place = torch.arange(steps, device=self.bias.weight.device)
        distance = (place[:, None] - place[None, :]).clamp(-self.max_distance, self.max_distance)
        # (T, T, N) -> (1, N, T, T)
        return self.bias(distance + self.max_distance).permute(2, 0, 1).unsqueeze(0).contiguous()


class FeedForward(nn.Module):
    """Two linear layers, four times as wide between them, with SiLU."""

    def __init__(self, wide: int, dropout: float) -> None:
        """Build the layers."""
        super().__init__()
        self.lin1 = nn.Linear(wide, 4 * wide)
        self.lin2 = nn.Linear(4 * wide, wide)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, T, D) for (B, T, D)."""
        return self.dropout(self.lin2(F.silu(self.lin1(x))))


class TimeConvolution(nn.Module):
    """1x1 convolution, depthwise convolution over time, group norm, 1x1 convolution."""

    def __init__(self, wide: int, kernel: int, dropout: float) -> None:
        """Build the layers."""
        super().__init__()
        self.pw1 = nn.Conv1d(wide, wide, 1)
        self.dw = nn.Conv1d(wide, wide, kernel, padding=kernel // 2, groups=wide)
        self.gn = nn.GroupNorm(1, wide)
        self.pw2 = nn.Conv1d(wide, wide, 1)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, T, D) for (B, T, D)."""
        # The 1x1 convolutions are computed as linear layers, which need no change of layout.
        x = F.silu(F.linear(x, self.pw1.weight.squeeze(2), self.pw1.bias))
        x = x.transpose(1, 2)  # (B, T, D) -> (B, D, T)
        x = F.silu(self.gn(self.dw(x)))
        x = x.transpose(1, 2)  # (B, D, T) -> (B, T, D)
        return self.dropout(F.linear(x, self.pw2.weight.squeeze(2), self.pw2.bias))


class HalveTime(nn.Module):
    """(B, T, D) -> (B, ceil(T / 2), D) by a depthwise convolution that starts as a mean."""

    def __init__(self, wide: int) -> None:
        """Build the two convolutions."""
        super().__init__()
        self.dw = nn.Conv1d(wide, wide, 3, stride=2, padding=1, groups=wide, bias=False)
        self.pw = nn.Conv1d(wide, wide, 1)
        nn.init.constant_(self.dw.weight, 1 / 3)

    def forward(self, x: Tensor) -> Tensor:
        """Return half as many steps; an odd last step is repeated first."""
        x = x.transpose(1, 2)  # (B, T, D) -> (B, D, T)
        if x.shape[2] % 2:
            x = torch.cat([x, x[:, :, -1:]], dim=2)
        return self.pw(self.dw(x)).transpose(1, 2)  # (B, D, T / 2) -> (B, T / 2, D)


class RestoreTime(nn.Module):
    """(B, ceil(T / 2), D) -> (B, T, D): nearest neighbour, 1x1 convolution, plus the skip."""

    def __init__(self, wide: int) -> None:
        """Build the convolution."""
        super().__init__()
        self.proj = nn.Conv1d(wide, wide, 1)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Return as many steps as the skip has."""
        x = x.transpose(1, 2)  # (B, T / 2, D) -> (B, D, T / 2)
        x = F.interpolate(x, size=skip.shape[1], mode="nearest")
        return self.proj(x).transpose(1, 2) + skip  # (B, D, T) -> (B, T, D)


class LayerScale(nn.Module):
    """A learned weight for every feature of a branch."""

    def __init__(self, wide: int, initial: float) -> None:
        """Start every weight at `initial`."""
        super().__init__()
        self.gamma = nn.Parameter(torch.full((wide,), initial))

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighted branch."""
        return x * self.gamma
