"""The distortions of `training/line_augmentation.py` for a whole batch, on the device that trains.

A GPU trains on lines faster than threads can distort them one by one. The amounts are drawn from
the same limits; only the chance itself is another, so a run is repeated on its own kind of device.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.line_augmentation import GRID_PX, LineAugmentation

NARROWEST_PX = 8
HIDDEN_FROM_PX = 96  # shorter lines are not painted over: too little is left to tell from
HIDDEN_EVERY_PX = 256
BLUR_REACH = 3  # pixels to either side; more than three standard deviations of the widest blur


def distort_batch(
    ink: Tensor,
    widths_px: np.ndarray,
    rng: np.random.Generator,
    strength: float,
    max_width_px: int | np.ndarray,
    settings: LineAugmentation | None = None,
) -> tuple[Tensor, np.ndarray]:
    """Return the lines as they might look another time, and their new widths.

    ink: float32 (B, 1, 64, W), 0 paper, 1 ink, nothing beyond a line's own width. widths_px: (B,).
    Returned: (B, 1, 64, W'), W' the widest. max_width_px: of all of them, or of each (B,).
    strength: 0 leaves the lines as they are, 1 is usual. The same generator state gives the same
    lines on the same device.
    """
    if strength <= 0:
        return ink, widths_px
    chosen = settings or LineAugmentation()
    chance = torch.Generator(ink.device).manual_seed(int(rng.integers(2**62)))
    bent, wide = _bend(ink, widths_px, rng, chance, strength, max_width_px, chosen)
    return _weather(bent, wide, rng, chance, strength, chosen), wide


def _bend(
    ink: Tensor,
    widths_px: np.ndarray,
    rng: np.random.Generator,
    chance: torch.Generator,
    strength: float,
    max_width_px: int | np.ndarray,
    settings: LineAugmentation,
) -> tuple[Tensor, np.ndarray]:
    """Return the lines slanted, stretched, moved and wobbling, by one interpolation."""
    lines, _, high, room_px = ink.shape

    def evenly(limit: float | np.ndarray) -> np.ndarray:
        return rng.uniform(-1, 1, lines) * limit * strength

    wide = np.rint(widths_px * np.exp(evenly(settings.stretch))).astype(np.int64)
    wide = wide.clip(NARROWEST_PX, max_width_px)
    along, across = wide / widths_px, np.exp(evenly(settings.height))
    slant, shift_px = evenly(settings.slant), evenly(settings.shift_px)
    rise = evenly(np.minimum(settings.rise, settings.rise_px / widths_px))
    along_, across_, slant_, shift_, rise_, wide_ = (
        _each(numbers, ink.device)[:, 0] for numbers in (along, across, slant, shift_px, rise, wide)
    )
    out_px = int(wide.max())
    columns = torch.arange(out_px, device=ink.device, dtype=torch.float32)[None, None]
    rows = torch.arange(high, device=ink.device, dtype=torch.float32)[None, :, None]
    middle = (high - 1) / 2
    from_y = (rows - middle - shift_ - rise_ * (columns - wide_ / 2)) / across_ + middle
    from_x = (columns + slant_ * (rows - middle)) / along_
    points = (lines, 2, high // GRID_PX + 2, out_px // GRID_PX + 2)
    wobble = torch.randn(points, generator=chance, device=ink.device) * 0.5
    wobble = F.interpolate(wobble, size=(high, out_px), mode="bicubic", align_corners=False)
    from_x = from_x + settings.wobble_px * strength * wobble[:, 0]
    from_y = from_y + settings.wobble_px * strength * wobble[:, 1]
    grid = torch.stack([2 * from_x / max(room_px - 1, 1) - 1, 2 * from_y / (high - 1) - 1], dim=3)
    return F.grid_sample(ink, grid, align_corners=True), wide


def _weather(
    ink: Tensor,
    wide: np.ndarray,
    rng: np.random.Generator,
    chance: torch.Generator,
    strength: float,
    settings: LineAugmentation,
) -> Tensor:
    """Return the lines with another pen, another ink and another scan; their geometry unchanged."""
    lines, device = len(wide), ink.device

    def some(share: float) -> np.ndarray:
        return rng.random(lines) < share * min(strength, 1.5)

    share = np.where(some(settings.stroke), rng.uniform(0.2, 0.9, lines), 0.0)
    corner = F.pad(ink, (1, 0, 1, 0))
    thicker = F.max_pool2d(corner, 2, stride=1)
    thinner = -F.max_pool2d(-corner, 2, stride=1)
    thick = torch.where(_each(rng.random(lines) < 0.5, device) > 0, thicker, thinner)
    ink = ink.lerp(thick, _each(share, device))
    paler = np.where(some(settings.faded), rng.uniform(0.0, 0.45, lines) * strength, 0.0)
    ink = (ink * _each(1 - paler, device)).clamp(0, 1)
    exponent = np.exp2(rng.uniform(-1, 1, lines) * settings.gamma * strength)
    ink = 1 - (1 - ink) ** _each(exponent, device)
    ink = ink * ~_hidden(wide, some(settings.hidden), rng, ink.shape[3], settings, device)
    sigma_px = np.where(some(settings.blurred), rng.uniform(0.3, settings.blur_px, lines), 0.0)
    ink = _blurred(ink, sigma_px)
    noise = np.where(some(settings.noisy), rng.uniform(2, settings.noise, lines) * strength, 0.0)
    grain = torch.randn(ink.shape, generator=chance, device=device)
    ink = (ink + grain * _each(noise / 255, device)).clamp(0, 1)
    columns = torch.arange(ink.shape[3], device=device)
    return ink * (columns < _each(wide, device))


def _hidden(
    wide: np.ndarray,
    chosen: np.ndarray,
    rng: np.random.Generator,
    room_px: int,
    settings: LineAugmentation,
    device: torch.device,
) -> Tensor:
    """Return which columns of each line are painted over: bool (B, 1, 1, W)."""
    columns = torch.arange(room_px, device=device)
    hidden = torch.zeros((len(wide), 1, 1, room_px), dtype=torch.bool, device=device)
    for place in range(1 + int(wide.max()) // HIDDEN_EVERY_PX):
        used = chosen & (wide > HIDDEN_FROM_PX) & (place < 1 + wide // HIDDEN_EVERY_PX)
        start = np.floor(rng.random(len(wide)) * np.maximum(wide - settings.hidden_px, 1))
        end = start + np.where(used, rng.integers(4, settings.hidden_px + 1, len(wide)), 0)
        hidden |= (columns >= _each(start, device)) & (columns < _each(end, device))
    return hidden


def _blurred(ink: Tensor, sigma_px: np.ndarray) -> Tensor:
    """Return each line blurred by its own standard deviation, 0 for not at all."""
    lines, _, high, wide = ink.shape
    at = np.arange(-BLUR_REACH, BLUR_REACH + 1)
    taps = np.exp(-0.5 * (at / np.maximum(sigma_px, 1e-2)[:, None]) ** 2)
    kernels = torch.from_numpy((taps / taps.sum(1, keepdims=True)).astype(np.float32))
    kernels = kernels.to(ink.device)[:, None, None]  # (B, 1, 1, taps)
    flat = ink.reshape(1, lines, high, wide)  # every line a channel, with a kernel of its own
    flat = F.conv2d(flat, kernels, padding=(0, BLUR_REACH), groups=lines)
    flat = F.conv2d(flat, kernels.transpose(2, 3), padding=(BLUR_REACH, 0), groups=lines)
    return flat.reshape(ink.shape)


def _each(numbers: np.ndarray, device: torch.device) -> Tensor:
    """Return a number for each line as float32 (B, 1, 1, 1) on the device."""
    return torch.from_numpy(numbers.astype(np.float32)).to(device)[:, None, None, None]
