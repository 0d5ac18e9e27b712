"""The stem: a line image -> one feature vector a time step (convolutions and MobileViT blocks).

Letters: B batch, C channels of the stage, H and W height and width of the stage, D embedding,
T = ceil(width in px / 4) time steps, N heads, E = C / N width of a head.
Names of parameters are those of the published checkpoints.

Source: Truc et al. 2025, "HTR-ConvText", arXiv 2512.05021 (the MVP stem).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from htr.config import ModelConfig


class Stem(nn.Module):
    """Line images (B, 1, 64, width) -> features (B, D, 1, T)."""

    def __init__(self, config: ModelConfig) -> None:
        """Build the three stages with D/4, D/2 and D channels."""
        super().__init__()
        wide = config.embed_dim
        quarter, half = wide // 4, wide // 2
        head_dim = config.stem_head_dim
        self.conv1 = nn.Conv2d(1, quarter, 3, stride=(2, 1), padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(quarter)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(3, stride=(2, 1), padding=1)
        self.layer1 = _residual_stage(quarter, quarter, stride=(2, 1))
        self.mobilevit_block1 = MobileViTBlock(quarter, head_dim)
        self.layer2 = _residual_stage(quarter, half, stride=(2, 2))
        self.mobilevit_block2 = MobileViTBlock(half, head_dim)
        self.layer3 = _residual_stage(half, wide, stride=(2, 2))
        self.mobilevit_block3 = MobileViTBlock(wide, head_dim)

    def forward(self, images: Tensor) -> Tensor:
        """Return the features (B, D, 1, T) of images (B, 1, 64, width)."""
        x = self.relu(self.bn1(self.conv1(images)))  # (B, D/4, 32, width)
        x = self.pool(x)  # (B, D/4, 16, width)
        x = self.mobilevit_block1(self.layer1(x))  # (B, D/4, 8, width)
        x = self.mobilevit_block2(self.layer2(x))  # (B, D/2, 4, width / 2)
        x = self.mobilevit_block3(self.layer3(x))  # (B, D, 2, T)
        return self.pool(x)  # (B, D, 1, T)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch norm and a shortcut around them."""

    def __init__(self, channels_in: int, channels: int, stride: tuple[int, int]) -> None:
        """Build the block; the shortcut is a 1x1 convolution where the shape changes."""
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module = nn.Identity()
        if stride != (1, 1) or channels_in != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False),
                nn.BatchNorm2d(channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, channels, H / stride, W / stride)."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + self.downsample(x))


class MobileViTBlock(nn.Module):
    """Attention among the pixels at the same place of every 2x2 patch; shape unchanged."""

    def __init__(self, channels: int, head_dim: int) -> None:
        """Build the block for `channels` channels with channels / head_dim heads."""
        super().__init__()
        self.local_rep = nn.Sequential()
        self.local_rep.add_module("conv_3x3", _ConvUnit(channels, 3))
        self.local_rep.add_module("conv_1x1", _ConvUnit(channels, 1, activated=False))
        self.global_rep = nn.Sequential(
            StemTransformer(channels, channels // head_dim), nn.LayerNorm(channels, eps=1e-5)
        )
        self.pos_pe = _PositionConv(channels)
        self.conv_proj = _ConvUnit(channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, H, W) for (B, C, H, W)."""
        x = self.local_rep(x)
        batch, channels, height, width = x.shape
        even = (height + height % 2, width + width % 2)
        resized = even != (height, width)
        if resized:
            x = F.interpolate(x, even, mode="bilinear", align_corners=False)
        rows, columns = even[0] // 2, even[1] // 2

        # (B, C, H, W) -> (B * 4, H/2 * W/2, C): one sequence for each place in the 2x2 patch
        x = x.reshape(batch, channels, rows, 2, columns, 2)
        tokens = x.permute(0, 3, 5, 2, 4, 1).reshape(batch * 4, rows * columns, channels)
        tokens = self.global_rep[0](tokens)
        tokens = self.pos_pe(tokens, rows, columns)
        tokens = self.global_rep[1](tokens)

        # (B * 4, H/2 * W/2, C) -> (B, C, H, W)
        x = tokens.reshape(batch, 2, 2, rows, columns, channels)
        x = x.permute(0, 5, 3, 1, 4, 2).reshape(batch, channels, *even)
        if resized:
            x = F.interpolate(x, (height, width), mode="bilinear", align_corners=False)
        return self.conv_proj(x)


class StemTransformer(nn.Module):
    """One pre-norm transformer layer without dropout, (B, tokens, C) -> same."""

    def __init__(self, channels: int, heads: int) -> None:
        """Build attention and a feed-forward part four times as wide."""
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, eps=1e-5)
        self.attn = _StemAttention(channels, heads)
        self.norm2 = nn.LayerNorm(channels, eps=1e-5)
        self.mlp = nn.Sequential()
        self.mlp.add_module("fc1", nn.Linear(channels, 4 * channels))
        self.mlp.add_module("act", nn.GELU())
        self.mlp.add_module("fc2", nn.Linear(4 * channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, tokens, C) for (B, tokens, C)."""
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


def split_heads(qkv: Tensor, heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return query, key and value, each (B, N, T, E), of a joint projection (B, T, 3 * N * E)."""
    batch, steps, width = qkv.shape
    # (B, T, 3 * N * E) -> (3, B, N, T, E)
    parts = qkv.reshape(batch, steps, 3, heads, width // (3 * heads)).permute(2, 0, 3, 1, 4)
    query, key, value = parts.unbind(0)
    return query, key, value


class _StemAttention(nn.Module):
    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = split_heads(self.qkv(x), self.heads)
        y = F.scaled_dot_product_attention(query, key, value)
        # (B, N, T, E) -> (B, T, C)
        return self.proj(y.transpose(1, 2).reshape(x.shape))


class _PositionConv(nn.Module):
    """Tells tokens where they are: a depthwise convolution of their grid, added to them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.proj = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, groups=channels))

    def forward(self, tokens: Tensor, rows: int, columns: int) -> Tensor:
        batch, _, channels = tokens.shape
        # (B, rows * columns, C) -> (B, C, rows, columns)
        grid = tokens.transpose(1, 2).reshape(batch, channels, rows, columns)
        # (B, C, rows, columns) -> (B, rows * columns, C)
        return tokens + self.proj(grid).flatten(2).transpose(1, 2)


class _ConvUnit(nn.Module):
    """Convolution without bias, then batch norm and ReLU if activated."""

    def __init__(self, channels: int, kernel: int, activated: bool = True) -> None:
        super().__init__()
        convolution = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, bias=False)
        self.block = nn.Sequential(convolution)
        if activated:
            self.block.append(nn.BatchNorm2d(channels))
            self.block.append(nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x)


def _residual_stage(channels_in: int, channels: int, stride: tuple[int, int]) -> nn.Sequential:
    return nn.Sequential(
        ResidualBlock(channels_in, channels, stride),
        ResidualBlock(channels, channels, (1, 1)),
    )
