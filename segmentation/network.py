"""Page image -> lines, found by the network of `unet.py`."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch

from segmentation.bare import bare_lines
from segmentation.facing import facing_page
from segmentation.ink import gray_page
from segmentation.kinds import kinds_of
from segmentation.lines import ASIDE, FACING_PAGE, NO_INK, Line, SegmentationError
from segmentation.maps import PageMaps
from segmentation.order import reading_order
from segmentation.outlines import outline_lines
from segmentation.side_notes import with_side_notes
from segmentation.unet import STRIDE, Segmenter, SegmenterConfig, load_segmenter
from segmentation.vectorise import (
    FoundLine,
    mean_cosine,
    mean_sureness,
    median_spacing,
    set_aside,
    turned_back,
    vectorise,
)

WEIGHTS = Path(__file__).parent / "weights" / "segmenter.safetensors"
FIRST_SIDE_PX = 1536.0  # long side of the first look, of a page of usual shape
GOOD_SPACING_PX = (38.0, 66.0)  # working spacings that the network is surest at
AIM_SPACING_PX = 48.0
MAX_FIRST_SCALE = 1.25  # a small image is rather a slip with few lines than a page
MAX_SCALE = 2.5  # enlarging further than this adds no detail
MAX_WORKING_PIXELS = 5e6  # bounds memory (about 1.5 GB) and time
LOOK_SIDE_PX = 900.0  # long side at which the four ways up are compared
# Mean cosines of pages held out: upright 0.92-1.00, upside down -0.90--0.38, lying -0.11-0.07.
UPRIGHT_COSINE = 0.7  # a page above it is upright
LYING_COSINE = 0.4  # one above it does not lie on its side
TURN_MARGIN = 0.01  # by how much another way up has to be surer
TRIAL_SIDE_PX, TRIAL_ROUNDS = 256, 3
TRIAL_GAIN = 1.2  # of bfloat16 over float32: a choice near it could change with every start
TURN_FLAGS = {1: ("vertical",), 2: ("upside-down",), 3: ("vertical",)}


def segment_with_network(page: np.ndarray, network: Segmenter | None = None) -> list[Line]:
    """Lines of a page in reading order, found by that network, or by the bundled one.

    page: uint8 (H, W) gray or (H, W, 3) RGB. Torch runs on the threads of its caller's setting.

    Raises: SegmentationError for something that is no page, and if the weights are missing.
    """
    gray = gray_page(page)
    found = find_lines(gray, network or bundled_segmenter())
    baselines = [tuple((float(x), float(y)) for x, y in line.points) for line in found]
    polygons = outline_lines(gray, baselines, [line.spacing_px for line in found])
    lines = [
        Line(
            baseline,
            polygon,
            line.spacing_px,
            line.kind,
            line.flags + _turn_flags(line) + (() if polygon else ("no-crop",)),
        )
        for baseline, polygon, line in zip(baselines, polygons, found, strict=True)
    ]
    height, width = gray.shape
    # The facing page is no work: it does not come first because it is on the left.
    facing = [line for line in lines if FACING_PAGE in line.flags]
    own = [line for line in lines if FACING_PAGE not in line.flags]
    return [part[k] for part in (own, facing) for k in reading_order(part, width, height)]


def find_lines(gray: np.ndarray, network: Segmenter) -> list[FoundLine]:
    """Baselines of a gray page (H, W) uint8, in no particular order.

    The page is first looked at in a size that suits most pages, then, if its lines turn out too
    dense or too wide apart for that, once or twice more at a scale that suits them. If the
    writing does not seem to run to the right, the page is turned to where it is surest. Where
    ink stands upright that no line accounts for, it is looked at on its side.
    """
    if gray.ndim != 2 or gray.dtype != np.uint8 or not gray.size:
        raise SegmentationError(
            f"The page is an array of {gray.dtype} {gray.shape}; expected 8-bit gray with at least "
            "one pixel. Convert the image first."
        )
    height, width = gray.shape
    maps, turns = page_maps(gray, network)
    upright = np.ascontiguousarray(np.rot90(gray, turns)) if turns else gray
    scale = math.sqrt(maps.scale_x * maps.scale_y)
    found = with_side_notes(
        upright, vectorise(maps), lambda part: vectorise(draw_maps(part, scale, network))
    )
    sorted_out = with_kinds(upright, found)
    return [turned_back(line, turns, width, height) for line in sorted_out]


def with_kinds(gray: np.ndarray, found: Sequence[FoundLine]) -> list[FoundLine]:
    """The lines of an upright page with their kinds; those that are no text of it set aside.

    gray: uint8 (H, W). Left out is only what is doubtful and has no ink besides: rules of paper.
    """
    doubtful = [line for line in found if line.kind == ASIDE]
    likely = [line for line in found if line.kind != ASIDE]
    bare = bare_lines(gray, likely, [*likely, *doubtful])
    lines = [
        set_aside(line, NO_INK) if empty and line.kind != ASIDE else line
        for line, empty in zip([*likely, *doubtful], bare, strict=True)
        if not (empty and line.kind == ASIDE)
    ]
    facing = facing_page(lines, gray.shape[1])
    lines = [
        set_aside(line, FACING_PAGE) if far and line.kind != ASIDE else line
        for line, far in zip(lines, facing, strict=True)
    ]
    own = [k for k, line in enumerate(lines) if line.kind != ASIDE]
    for k, kind in zip(own, kinds_of([lines[k] for k in own]), strict=True):
        lines[k] = replace(lines[k], kind=kind)
    return lines


def page_maps(gray: np.ndarray, network: Segmenter) -> tuple[PageMaps, int]:
    """Maps of a gray page at the scale that suits it, and its clockwise quarter turns.

    The page is turned by as many to be upright, and so are the maps. See `find_lines`.
    """
    # By area, so that strips and double pages get letters of the same size as single pages.
    scale = min(FIRST_SIDE_PX * math.sqrt(0.7 / gray.size), MAX_FIRST_SCALE)
    scale = _bounded(scale, gray)
    maps = draw_maps(gray, scale, network)
    turns = _turns_of_page(gray, scale, maps, network)
    if turns:
        gray = np.ascontiguousarray(np.rot90(gray, turns))
        maps = draw_maps(gray, scale, network)
    for _ in range(2):
        spacing = median_spacing(maps)
        if spacing is None or GOOD_SPACING_PX[0] <= spacing <= GOOD_SPACING_PX[1]:
            break
        better = _bounded(scale * AIM_SPACING_PX / spacing, gray)
        if abs(math.log(better / scale)) < 0.1:
            break
        scale = better
        maps = draw_maps(gray, scale, network)
    return maps, turns


def draw_maps(gray: np.ndarray, scale: float, network: Segmenter) -> PageMaps:
    """Maps of the page, seen at `scale` working pixels a pixel."""
    height, width = gray.shape
    size = max(4, round(width * scale / 4) * 4), max(4, round(height * scale / 4) * 4)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(gray, size, interpolation=method)
    right, below = -size[0] % STRIDE, -size[1] % STRIDE
    small = cv2.copyMakeBorder(small, 0, below, 0, right, cv2.BORDER_REPLICATE)
    x = ((torch.from_numpy(small).float() - 128) / 64)[None, None]
    x = x.to(memory_format=torch.channels_last)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=_bf16_pays()):
        fine, coarse = network(x)
    fine = torch.sigmoid(fine[0].float())[:, : size[1] // 2, : size[0] // 2]
    coarse = coarse[0].float()[:, : size[1] // 4, : size[0] // 4]
    return PageMaps(
        fine.contiguous().numpy(),
        coarse.contiguous().numpy(),
        size[0] / width,
        size[1] / height,
    )


@lru_cache(maxsize=1)
def bundled_segmenter() -> Segmenter:
    """The network with the weights that ship with the package, ready for use; read once."""
    return load_segmenter(WEIGHTS)


def _turn_flags(line: FoundLine) -> tuple[str, ...]:
    """What a person is told about the direction of a line; a note's is told by its kind."""
    return () if line.kind == "vertical" else TURN_FLAGS.get(line.quarter_turns, ())


def _turns_of_page(gray: np.ndarray, scale: float, maps: PageMaps, network: Segmenter) -> int:
    """Clockwise quarter turns of the page's writing; 0 if it is upright, mixed, or none.

    On the pages held out the network's probabilities were highest the right way up on every page,
    and the mean cosine told at which other ways it is worth while to look.
    """
    cosine = mean_cosine(maps)
    if cosine is None or cosine > UPRIGHT_COSINE:
        return 0
    scale = min(scale, _bounded(LOOK_SIDE_PX * math.sqrt(0.7 / gray.size), gray))
    ways = (0, 2) if cosine > LYING_COSINE else (0, 1, 2, 3)
    sureness = {
        turns: mean_sureness(draw_maps(np.ascontiguousarray(np.rot90(gray, turns)), scale, network))
        for turns in ways
    }
    best = max(ways, key=lambda turns: sureness[turns])
    return best if sureness[best] > sureness[0] + TURN_MARGIN else 0


def _bounded(scale: float, gray: np.ndarray) -> float:
    most = math.sqrt(MAX_WORKING_PIXELS / (gray.shape[0] * gray.shape[1]))
    return min(scale, MAX_SCALE, most)


@lru_cache(maxsize=1)
def _bf16_pays() -> bool:
    """Whether bfloat16 is faster than float32 here; timed once a process, with random weights.

    Processors that compute it may be slower at it: Intel's without AMX take half as long again.
    """
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    if not (supported and supported()):
        return False  # emulated, so that even the trial would take long
    with torch.random.fork_rng(devices=[]):  # nobody's chance may depend on this trial
        network = Segmenter(SegmenterConfig()).eval()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    blank = torch.zeros(1, 1, TRIAL_SIDE_PX, TRIAL_SIDE_PX).to(memory_format=torch.channels_last)
    seconds = {False: math.inf, True: math.inf}
    for _ in range(TRIAL_ROUNDS):  # the first also picks kernels
        for enabled in seconds:
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=enabled):
                begun = time.thread_time()  # other processes, which may be busy, don't decide
                network(blank)
                seconds[enabled] = min(seconds[enabled], time.thread_time() - begun)
    return seconds[False] > TRIAL_GAIN * seconds[True]
