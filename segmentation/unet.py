"""The network that finds text lines: its shape, and its file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from segmentation.lines import SegmentationError

FINE_MAPS, COARSE_MAPS = 3, 3
STRIDE = 32  # working pixels that the coarsest features stand for


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


def load_segmenter(path: Path) -> Segmenter:
    """The network of a file that `save_segmenter` wrote, batch norm folded into its convolutions.

    Raises: SegmentationError if the file is missing or is something else.
    """
    return _folded(read_segmenter(path)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def read_segmenter(path: Path) -> Segmenter:
    """The network of that file as it was trained, with its batch norm, for further training.

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
    return network.eval()


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
