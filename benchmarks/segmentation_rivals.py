"""The rivals as workers of the segmentation benchmark; runs in their environment, not the app's.

python -m benchmarks.segmentation_rivals kraken|rapidocr
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.page_worker import Found, Segmenter, serve

if TYPE_CHECKING:
    from PIL import Image

SIDE_LIMIT_PX = 1536  # RapidOCR's own, 736 for the short side, finds fewer lines of handwriting
BASELINE_HEIGHT = 0.33  # of a box, from its lower edge: best on pages of another split


class KrakenSegmenter:
    """kraken with the model of its wheel, `blla.mlmodel`, as `kraken segment -bl` runs it."""

    def __init__(self, threads: int) -> None:
        """Load the model and segment a small page."""
        declare_torchvision_operators()
        import kraken.lib.vgsl.spred as spred
        from kraken.configs import SegmentationInferenceConfig
        from kraken.tasks import SegmentationTaskModel
        from PIL import Image

        self._config = SegmentationInferenceConfig(
            accelerator="cpu", device="auto", num_threads=threads
        )
        self._model = SegmentationTaskModel.load_model()
        self._outline = _Timed(spred.calculate_polygonal_environment)
        spred.calculate_polygonal_environment = self._outline
        self(Image.new("RGB", (300, 400), "white"))

    def __call__(self, page: Image.Image) -> Found:
        """Return the lines, and how much of the time went into their polygons."""
        self._outline.reset()
        found = self._model.predict(page.convert("RGB"), self._config)
        lines = [[[float(x), float(y)] for x, y in line.baseline] for line in found.lines]
        return Found(lines, self._outline.cpu_s, self._outline.wall_s)


class _Timed:
    """kraken's polygon step with clocks on it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.reset()

    def reset(self) -> None:
        self.cpu_s, self.wall_s = 0.0, 0.0

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        polygons = self._function(*arguments, **options)
        self.cpu_s += time.process_time() - cpu
        self.wall_s += time.perf_counter() - wall
        return polygons


class RapidOcrSegmenter:
    """The text detector of RapidOCR with the model of its wheel; boxes become baselines."""

    def __init__(self, threads: int) -> None:
        """Load the model and look at a small page."""
        from rapidocr import RapidOCR

        self._engine = RapidOCR(
            params={
                "Det.limit_side_len": SIDE_LIMIT_PX,
                "Det.limit_type": "max",
                "Global.log_level": "error",
                "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            }
        )
        self.boxes(np.full((400, 300, 3), 255, np.uint8))

    def __call__(self, page: Image.Image) -> Found:
        """Return a line through the lower part of each box, in the detector's order."""
        boxes = self.boxes(np.asarray(page.convert("RGB"))[:, :, ::-1])
        return Found([baseline_of(box, BASELINE_HEIGHT) for box in boxes])

    def boxes(self, bgr: np.ndarray) -> np.ndarray:
        """Return the corners (N, 4, 2) of the boxes, clockwise from the upper left."""
        result = self._engine(bgr, use_det=True, use_cls=False, use_rec=False)
        boxes = result.boxes
        return np.zeros((0, 4, 2)) if boxes is None else np.asarray(boxes, float)


def baseline_of(box: np.ndarray, height: float) -> list[list[float]]:
    """Return two points: on the left and right edge, `height` of the edge above the lower one."""
    upper_left, upper_right, lower_right, lower_left = box
    start = lower_left + height * (upper_left - lower_left)
    end = lower_right + height * (upper_right - lower_right)
    return [[float(x), float(y)] for x, y in (start, end)]


def load(name: str) -> tuple[str, Segmenter]:
    """Return the version and the segmenter of that rival, warmed up."""
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    if name == "kraken":
        return f"kraken {version('kraken')}", KrakenSegmenter(threads)
    return f"RapidOCR {version('rapidocr')}", RapidOcrSegmenter(threads)


def declare_torchvision_operators() -> None:
    """Let torchvision be imported where its compiled operators cannot be loaded.

    PyPI's torchvision is built for CUDA and cannot load them beside a CPU build of torch; then
    its import fails, because it describes two of them to torch. kraken's segmentation calls none,
    only its image transforms, which are plain Python: declaring the two is enough.
    """
    import torch

    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float threshold) -> Tensor")
        _KEPT.append(library)


_KEPT: list[object] = []  # torch forgets declarations whose library is collected


if __name__ == "__main__":
    serve(partial(load, sys.argv[1]))
