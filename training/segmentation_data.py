"""Pages with ground-truth baselines, and the endless stream of distorted crops made of them."""

from __future__ import annotations

import json
import zipfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from segmentation.maps import draw_targets
from training.page_augmentation import (
    PageAugmentation,
    draw_transform,
    local_scale,
    transform_points,
    weather,
)

BLANK_SHARE = 0.03  # crops wherever they fall, so that paper, covers and tables are seen too
CALM = PageAugmentation(  # what the second look at a flat scan sees
    spacing_px=(28.0, 64.0),
    usual_spacing_px=(36.0, 50.0),
    stretch=1.1,
    rotation_deg=4.0,
    shear=0.06,
    perspective=0.04,
    turned=0.03,
)
_HALVE_BELOW = 0.6  # shrinking further than this from the full page would alias thin strokes


@dataclass(frozen=True)
class TruthPage:
    """A gray page, its reduction to one half, and its lines.

    image: (H, W) uint8. baselines: (n, 2) float32 arrays in reading direction, pixels of the image.
    """

    name: str
    source: str
    image: np.ndarray
    half: np.ndarray
    baselines: tuple[np.ndarray, ...]
    spacings_px: tuple[float, ...]


@dataclass(frozen=True)
class CropStream:
    """Endless distorted crops: image, fine targets, coarse targets, known, as uint8 and float32.

    calm: share of crops, 0-1, drawn with the settings CALM instead.
    seed: makes the stream repeatable; another one for every resumed stretch of training.
    """

    pages: Sequence[TruthPage]
    crop_px: int
    seed: int | tuple[int, ...]
    settings: PageAugmentation = field(default_factory=PageAugmentation)
    calm: float = 0.0

    def __iter__(self) -> Iterator[tuple[np.ndarray, ...]]:
        """Crops, pages drawn in proportion to the square root of their number of lines."""
        cv2.setNumThreads(1)
        rng = np.random.default_rng(self.seed)
        weights = np.sqrt([1.0 + len(page.baselines) for page in self.pages])
        weights /= weights.sum()
        while True:
            page = self.pages[int(rng.choice(len(self.pages), p=weights))]
            settings = CALM if rng.random() < self.calm else self.settings
            yield draw_crop(page, self.crop_px, rng, settings)


def read_truth_pages(archive: Path, limit: int | None = None) -> list[TruthPage]:
    """Pages of a zip archive with `pages.jsonl` and gray images, decoded and kept in memory."""
    pages = []
    with zipfile.ZipFile(archive) as packed:
        rows = packed.read("pages.jsonl").decode().splitlines()
        for row in rows[:limit]:
            page = json.loads(row)
            raw = np.frombuffer(packed.read(page["file"]), np.uint8)
            image = cv2.imdecode(raw, cv2.IMREAD_GRAYSCALE)
            if image is None:
                raise ValueError(f"{archive}: {page['file']} is not a readable image.")
            lines = [line for line in page["lines"] if len(line["baseline"]) > 1]
            baselines = [line["baseline"] for line in lines]
            spacings_px = [float(line["spacing"]) for line in lines]
            pages.append(truth_page(page["file"], page["source"], image, baselines, spacings_px))
    return pages


def truth_page(
    name: str,
    source: str,
    image: np.ndarray,
    baselines: Sequence[Sequence[Sequence[float]] | np.ndarray],
    spacings_px: Sequence[float],
) -> TruthPage:
    """The page with its reduction. image: (H, W) uint8 gray; baselines of two points at least."""
    return TruthPage(
        name=name,
        source=source,
        image=image,
        half=cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
        baselines=tuple(np.asarray(line, np.float32) for line in baselines),
        spacings_px=tuple(max(spacing, 4.0) for spacing in spacings_px),
    )


def prefetched_batches(
    stream: CropStream, batch: int, ahead: int = 3
) -> Iterator[tuple[torch.Tensor, ...]]:
    """Endless batches of the stream's crops, `ahead` of them drawn by one thread meanwhile.

    A thread, not a process: OpenCV and torch let go of the interpreter while they work, and a
    forked worker can hang in the locks of their thread pools.
    """
    crops = iter(stream)

    def draw() -> tuple[torch.Tensor, ...]:
        parts = zip(*(next(crops) for _ in range(batch)), strict=True)
        return tuple(torch.from_numpy(np.stack(part)) for part in parts)

    with ThreadPoolExecutor(1) as pool:
        waiting = deque(pool.submit(draw) for _ in range(ahead))
        while True:
            waiting.append(pool.submit(draw))
            yield waiting.popleft().result()


def loaded_batches(
    stream: CropStream, batch: int, processes: int
) -> Iterator[tuple[torch.Tensor, ...]]:
    """Endless batches of the stream's crops, drawn by several processes: one thread is too slow
    for a GPU.

    They are forked, to share the pages, so this has to come before a GPU is used or threads are
    started.
    """
    cv2.setNumThreads(1)
    loader = DataLoader(
        _Crops(stream),
        batch,
        num_workers=processes,
        multiprocessing_context="fork",
        prefetch_factor=4,
    )
    for parts in loader:
        yield tuple(parts)


class _Crops(IterableDataset):
    """The stream of crops; each process draws a stream of its own."""

    def __init__(self, stream: CropStream) -> None:
        """Wrap the stream."""
        self.stream = stream

    def __iter__(self) -> Iterator[tuple[np.ndarray, ...]]:
        """Return the crops of this process."""
        worker = get_worker_info()
        number = 0 if worker is None else worker.id
        seed = self.stream.seed
        return iter(
            replace(self.stream, seed=(*(seed if isinstance(seed, tuple) else (seed,)), number))
        )


def draw_crop(
    page: TruthPage, crop_px: int, rng: np.random.Generator, settings: PageAugmentation
) -> tuple[np.ndarray, ...]:
    """One distorted crop of a page and its targets: (1, S, S), (3, S / 2, S / 2), (3, S / 4, S / 4)
    and (S / 4, S / 4), S = crop_px.
    """
    height, width = page.image.shape
    spacing = float(np.median(page.spacings_px)) if page.spacings_px else height / 30
    if page.baselines and rng.random() > BLANK_SHARE:
        line = page.baselines[int(rng.integers(len(page.baselines)))]
        focus = line[int(rng.integers(len(line)))]
    else:
        focus = rng.uniform((0, 0), (width, height))
    size = (height, width)
    matrix = draw_transform(size, spacing, (focus[0], focus[1]), crop_px, rng, settings)
    image = weather(_warped(page, matrix, focus, crop_px, rng), rng)
    baselines = [transform_points(line, matrix) for line in page.baselines]
    spacings = [
        spacing_px * local_scale(line[len(line) // 2], matrix)
        for line, spacing_px in zip(page.baselines, page.spacings_px, strict=True)
    ]
    targets = draw_targets(baselines, spacings, crop_px, crop_px)
    return image[None], targets.fine, targets.coarse, targets.known


def _warped(
    page: TruthPage, matrix: np.ndarray, focus: np.ndarray, crop_px: int, rng: np.random.Generator
) -> np.ndarray:
    """The page seen through the matrix; beyond its edge the table it lies on."""
    scale = local_scale(np.asarray(focus, float), matrix)
    image = page.image
    if scale < _HALVE_BELOW:
        image, matrix = page.half, matrix @ np.diag([2.0, 2.0, 1.0])
    if rng.random() < 0.7:
        border, tone = cv2.BORDER_CONSTANT, float(rng.integers(256))
    else:
        border, tone = cv2.BORDER_REPLICATE, 0.0
    size = (crop_px, crop_px)
    return cv2.warpPerspective(
        image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border, borderValue=(tone,)
    )
