"""The network that finds text lines, and its use: page image -> maps -> lines."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from segmentation.ink import gray_page
from segmentation.lines import Line, SegmentationError
from segmentation.maps import PageMaps
from segmentation.order import reading_order
from segmentation.outlines import outline_lines
from segmentation.vectorise import FoundLine, median_spacing, vectorise

FINE_MAPS, COARSE_MAPS = 3, 3
STRIDE = 32  # working pixels that the coarsest features stand for
WEIGHTS = Path(__file__).parent / "weights" / "segmenter.safetensors"
FIRST_SIDE_PX = 1280.0  # long side of the first look, of a page of usual shape
GOOD_SPACING_PX = (30.0, 60.0)  # working spacings that the network is surest at
AIM_SPACING_PX = 42.0
MAX_FIRST_SCALE = 1.25  # a small image is rather a slip with few lines than a page
MAX_SCALE = 2.5  # enlarging further than this adds no detail
MAX_WORKING_PIXELS = 5e6  # bounds memory (about 1.5 GB) and time
TURN_FLAGS = {1: ("vertical",), 2: ("upside-down",), 3: ("vertical",)}


@dataclass(frozen=True)
class SegmenterConfig:
    """Shape of the network; saved with its weights.

    widths: channels at 1/4, 1/8, 1/16 and 1/32 of the working size (multiples of 16 run fastest).
    depths: residual blocks at these sizes on the way down.
    dilations: of the blocks at 1/32, so that they see about 1,000 working pixels.
    """

    widths: tuple[int, ...] = (32, 64, 96, 128)
    depths: tuple[int, ...] = (1, 2, 2)
    dilations: tuple[int, ...] = (1, 2, 4, 2)
    stem: int = 16


class Residual(nn.Module):
    """Two 3 x 3 convolutions with batch norm, added to their input."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        """Blocks keep their number of channels and their size."""
        super().__init__()
        self.first = _convolution(channels, channels, dilation=dilation)
        self.second = _convolution(channels, channels, dilation=dilation, activated=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        return F.relu(x + self.second(self.first(x)))


class Segmenter(nn.Module):
    """A residual U-Net: gray page -> logits of the maps that `maps.py` defines."""

    def __init__(self, config: SegmenterConfig) -> None:
        """Random weights; the heads begin at the most frequent answer."""
        super().__init__()
        self.config = config
        widths = config.widths
        self.stem = nn.Sequential(
            _convolution(1, config.stem, stride=2), _convolution(config.stem, widths[0], stride=2)
        )
        blocks = [*([(1,) * depth for depth in config.depths]), config.dilations]
        self.down = nn.ModuleList(
            nn.Sequential(*(Residual(width, dilation) for dilation in dilations))
            for width, dilations in zip(widths, blocks, strict=True)
        )
        self.shrink = nn.ModuleList(
            _convolution(wide, narrow, stride=2)
            for wide, narrow in zip(widths, widths[1:], strict=False)
        )
        self.widen = nn.ModuleList(
            _convolution(below, above, size=1, activated=False)
            for above, below in zip(widths, widths[1:], strict=False)
        )
        self.up = nn.ModuleList(Residual(width) for width in widths[:-1])
        self.head = _convolution(widths[0], widths[0])
        self.fine = nn.Conv2d(widths[0], FINE_MAPS * 4, 1)
        self.coarse = nn.Conv2d(widths[0], COARSE_MAPS, 1)
        nn.init.constant_(_bias(self.fine), -2.0)  # most pixels lie on no line
        nn.init.constant_(_bias(self.coarse)[:1], 5.3)  # a spacing of 40 px

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Fine logits (B, 3, H / 2, W / 2) and coarse values (B, 3, H / 4, W / 4).

        images: (B, 1, H, W) float in about -1..1, H and W multiples of 32.
        """
        x = self.stem(images)  # (B, 1, H, W) -> (B, C, H / 4, W / 4)
        levels: list[Tensor] = []
        for index, blocks in enumerate(self.down):
            x = blocks(x if index == 0 else self.shrink[index - 1](x))
            levels.append(x)
        for index in range(len(self.up) - 1, -1, -1):
            raised = F.interpolate(self.widen[index](x), scale_factor=2.0, mode="nearest")
            x = self.up[index](F.relu(levels[index] + raised))
        x = self.head(x)
        return F.pixel_shuffle(self.fine(x), 2), self.coarse(x)


def _bias(layer: nn.Conv2d) -> Tensor:
    assert layer.bias is not None
    return layer.bias.data


def _convolution(
    inputs: int,
    outputs: int,
    size: int = 3,
    stride: int = 1,
    dilation: int = 1,
    activated: bool = True,
) -> nn.Sequential:
    padding = dilation * (size // 2)
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, size, stride, padding, dilation, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if activated else nn.Sequential(*layers)


def segment_with_network(page: np.ndarray) -> list[Line]:
    """Lines of a page in reading order, found by the bundled network.

    page: uint8 (H, W) gray or (H, W, 3) RGB. Torch runs on the threads of its caller's setting.

    Raises: SegmentationError for something that is no page, and if the weights are missing.
    """
    gray = gray_page(page)
    found = find_lines(gray, bundled_segmenter())
    baselines = [tuple((float(x), float(y)) for x, y in line.points) for line in found]
    polygons = outline_lines(gray, baselines, [line.spacing_px for line in found])
    lines = [
        Line(
            baseline,
            polygon,
            line.spacing_px,
            flags=TURN_FLAGS.get(line.quarter_turns, ()) + (() if polygon else ("no-crop",)),
        )
        for baseline, polygon, line in zip(baselines, polygons, found, strict=True)
    ]
    height, width = gray.shape
    return [lines[k] for k in reading_order(lines, width, height)]


def find_lines(gray: np.ndarray, network: Segmenter) -> list[FoundLine]:
    """Baselines of a gray page (H, W) uint8, in no particular order.

    The page is first looked at in a size that suits most pages, then, if its lines turn out too
    dense or too wide apart for that, once or twice more at a scale that suits them.
    """
    if gray.ndim != 2 or gray.dtype != np.uint8 or not gray.size:
        raise SegmentationError(
            f"The page is an array of {gray.dtype} {gray.shape}; expected 8-bit gray with at least "
            "one pixel. Convert the image first."
        )
    height, width = gray.shape
    # By area, so that strips and double pages get letters of the same size as single pages.
    scale = min(FIRST_SIDE_PX * math.sqrt(0.7 / (height * width)), MAX_FIRST_SCALE)
    scale = _bounded(scale, gray)
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
    return vectorise(maps)


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
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=_fast_bf16()):
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


def load_segmenter(path: Path) -> Segmenter:
    """The network of a file that `save_segmenter` wrote, batch norm folded into its convolutions.

    Raises: SegmentationError if the file is missing or is something else.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            config = json.loads((file.metadata() or {})["config"])
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}
        shape = SegmenterConfig(
            tuple(config["widths"]),
            tuple(config["depths"]),
            tuple(config["dilations"]),
            int(config["stem"]),
        )
        network = Segmenter(shape)
        network.load_state_dict(_with_counters(tensors, network))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise SegmentationError(
            f"{path.name} holds no weights of the line segmenter ({error}). Restore the file from "
            "the release, or choose the OpenCV method in the settings."
        ) from error
    return _folded(network.eval()).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def save_segmenter(path: Path, network: Segmenter, facts: dict) -> None:
    """Write the weights as float16 safetensors, with the shape and the facts of training."""
    from safetensors.torch import save_file

    tensors = {
        name: value.detach().to(torch.float16).contiguous()
        for name, value in network.state_dict().items()
        if value.dtype.is_floating_point
    }
    metadata = {"config": json.dumps(asdict(network.config)), "facts": json.dumps(facts)}
    save_file(tensors, path, metadata)


def _bounded(scale: float, gray: np.ndarray) -> float:
    most = math.sqrt(MAX_WORKING_PIXELS / (gray.shape[0] * gray.shape[1]))
    return min(scale, MAX_SCALE, most)


def _with_counters(tensors: dict[str, Tensor], network: Segmenter) -> dict[str, Tensor]:
    """The tensors with the counters of batches, which are not stored: they are of no use here."""
    own = network.state_dict()
    counters = {name: value for name, value in own.items() if not value.dtype.is_floating_point}
    return {**tensors, **counters}


def _folded(module: Segmenter) -> Segmenter:
    """The network with every batch norm folded into the convolution before it."""
    for part in module.modules():
        if not isinstance(part, nn.Sequential) or len(part) < 2:
            continue
        convolution, norm = part[0], part[1]
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            part[0], part[1] = fuse_conv_bn_eval(convolution, norm), nn.Identity()
    return module


@lru_cache(maxsize=1)
def _fast_bf16() -> bool:
    """Whether the processor multiplies bfloat16 itself; elsewhere it is slower than float32."""
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(supported and supported())
