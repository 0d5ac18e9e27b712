"""Lines kept on the device that trains: a GPU waits for nothing but itself.

All lines lie there as bytes, some 30 kB a line; batches are gathered, distorted and padded there.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from htr.config import ModelConfig
from htr.preprocess import WHITE as WHITE_SHARE
from htr.preprocess import bucket_width
from training.device_distortion import distort_batch
from training.line_augmentation import WHITE
from training.line_batches import DRAW, PX_PER_STEP, BatchLine, LineBatch, LineBatches

FREE_SHARE = 0.4  # of the device's free memory that lines may take; training needs the rest


@dataclass(frozen=True, eq=False)
class ResidentLine:
    """A line of a pool, by the place of its first column there. classes, width_px: `BatchLine`."""

    pool: LinePool
    start: int
    width_px: int
    classes: tuple[int, ...]

    @property
    def image(self) -> np.ndarray:
        """As that of `PreparedLine`, brought back from the device."""
        columns = self.pool.columns[self.start : self.start + self.width_px]
        return np.ascontiguousarray(columns.T.cpu().numpy())


class LinePool:
    """The columns of many lines, side by side on one device: uint8 (columns, 64), ink 0."""

    def __init__(
        self, lines: Sequence[BatchLine], config: ModelConfig, device: torch.device, threads: int
    ) -> None:
        """Read every line once and lay it down. threads: that read them."""
        widths = [line.width_px for line in lines]
        starts = np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)
        columns = np.empty((int(starts[-1]), config.image_height), np.uint8)

        def lay(place: int) -> None:
            columns[starts[place] : starts[place + 1]] = lines[place].image.T

        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(lay, range(len(lines))):
                pass
        self.config = config
        self.columns = torch.from_numpy(columns).to(device)
        self.lines = [
            ResidentLine(self, int(start), width, line.classes)
            for start, width, line in zip(starts, widths, lines, strict=False)
        ]

    def gather(self, lines: Sequence[ResidentLine]) -> Tensor:
        """Return the lines' ink: float32 (B, 1, 64, W), 0 paper, 1 ink, W the widest."""
        device = self.columns.device
        starts = torch.tensor([line.start for line in lines]).to(device)[:, None]
        widths = torch.tensor([line.width_px for line in lines]).to(device)[:, None]
        at = torch.arange(max(line.width_px for line in lines), device=device)
        inside = at < widths
        picked = self.columns[torch.where(inside, starts + at, starts)]  # (B, W, 64)
        ink = (WHITE - picked.float()) / WHITE * inside[..., None]
        return ink.transpose(1, 2)[:, None].contiguous()


@dataclass(frozen=True, eq=False)
class ResidentBatches:
    """As `LineBatches`, whose lines are those of the pool; batches are made on its device."""

    pool: LinePool
    order: LineBatches

    def batch(self, step: int, share: slice | None = None) -> LineBatch:
        """Return the batch of that step, counted from 0; or only a share of its lines."""
        order = self.order
        lines = order.chosen(step)
        places = range(len(lines))[share or slice(None)]
        own = [lines[place] for place in places]
        assert all(isinstance(line, ResidentLine) for line in own)
        widths_px = np.array([line.width_px for line in own])
        ink, wide = distort_batch(
            self.pool.gather(own),  # type: ignore[arg-type]
            widths_px,
            np.random.default_rng([order.seed, DRAW, step, places[0]]),
            order.strength,
            np.maximum(order.config.image_max_width, widths_px),
        )
        buckets = [bucket_width(int(width), order.config) for width in wide]
        return LineBatch(
            F.pad(1 - ink, (0, max(buckets) - ink.shape[3]), value=WHITE_SHARE),
            tuple(-(-bucket // PX_PER_STEP) for bucket in buckets),
            tuple(line.classes for line in own),
            places[0],
            len(lines),
        )


def have_room(columns: int, config: ModelConfig, device: torch.device) -> bool:
    """Return whether lines of so many columns in all can lie on the device beside the training."""
    if device.type != "cuda":
        return True
    return columns * config.image_height <= FREE_SHARE * torch.cuda.mem_get_info(device)[0]
