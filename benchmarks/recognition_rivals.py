"""How fast other line recognisers read on this machine, beside our shipped model, in one run.

`make bench-line-rivals` keeps their packages apart from the app's. kraken's default
recogniser, PyLaia's and TrOCR-base have random weights here: what they read does not matter, only
how long they take. RapidOCR has its own weights and is also told how much it misreads. All take
turns, a few lines each; CPU seconds are those of the whole process, and hold on a busy machine.
A rival that cannot be loaded is named and left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.recognition import Contestant, Read, compete, our_reader, rows_of, table
from benchmarks.segmentation_rivals import declare_torchvision_operators
from htr.device import set_threads
from htr.evaluate import spread_lines
from htr.lines_data import open_line_set
from htr.recognizer import Recognizer
from htr.shipped import default_model_path

RANDOM = "random weights"
CLASSES = 100
CHARACTERS_A_TOKEN = 4  # of TrOCR's vocabulary, on text of Western languages; sets its steps
KRAKEN_PX, PYLAIA_PX, TROCR_PX = 120, 128, 384


class PyLaiaNetwork(nn.Module):
    """The CRNN that PyLaia makes by default: four convolutions, three bidirectional LSTMs.

    Source: the defaults of `CreateCRNNArgs` in PyLaia 1.0.7: 16, 16, 32, 32 features of 3 x 3,
    LeakyReLU, pooling by 2 after the first three, three bidirectional LSTMs of 256 units. The
    package itself wants torchaudio, which does not load here.
    """

    def __init__(self) -> None:
        """Random weights."""
        super().__init__()
        layers: list[nn.Module] = []
        before = 1
        for number, features in enumerate((16, 16, 32, 32)):
            layers += [nn.Conv2d(before, features, 3, padding=1), nn.LeakyReLU(inplace=True)]
            layers += [nn.MaxPool2d(2)] if number < 3 else []
            before = features
        self.convolutions = nn.Sequential(*layers)
        self.recurrent = nn.LSTM(32 * PYLAIA_PX // 8, 256, num_layers=3, bidirectional=True)
        self.head = nn.Linear(512, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 1, 128, W) -> (W / 8, B, classes)."""
        x = self.convolutions(images)  # (B, 32, 16, W / 8)
        x = x.permute(3, 0, 1, 2).flatten(2)  # (W / 8, B, 32 * 16)
        return self.head(self.recurrent(x)[0])


def kraken_reader() -> Read:
    """Return how kraken's default architecture reads: line by line, 120 px high."""
    from kraken.lib.vgsl import TorchVGSLModel

    network = TorchVGSLModel(
        vgsl=f"[1,{KRAKEN_PX},0,1 Cr3,13,32 Do0.1,2 Mp2,2 Cr3,13,32 Do0.1,2 Mp2,2 Cr3,9,64 Do0.1,2 "
        f"Mp2,2 Cr3,9,64 Do0.1,2 S1(1x0)1,3 Lbx200 Do0.1,2 Lbx200 Do0.1,2 Lbx200 Do O1c{CLASSES}]"
    )
    network.eval()

    def read(image: Tensor) -> None:
        network.nn(image, torch.tensor([image.shape[3]]))

    return _reading_nothing(read, KRAKEN_PX)


def pylaia_reader() -> Read:
    """Return how PyLaia's default architecture reads: line by line, 128 px high."""
    return _reading_nothing(PyLaiaNetwork().eval(), PYLAIA_PX)


def trocr_reader(lengths: Sequence[int]) -> Read:
    """Return how TrOCR-base reads: 384 x 384 px, then word piece by word piece, greedily.

    lengths: characters of the lines in the order in which they will be read, over and over.
    """
    from transformers import (
        TrOCRConfig,
        VisionEncoderDecoderConfig,
        VisionEncoderDecoderModel,
        ViTConfig,
    )

    decoder = TrOCRConfig(
        is_decoder=True, add_cross_attention=True, cross_attention_hidden_size=768
    )
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(
        ViTConfig(image_size=TROCR_PX, qkv_bias=False), decoder
    )
    network = VisionEncoderDecoderModel(config).eval()
    steps = max(1, round(sum(lengths) / len(lengths) / CHARACTERS_A_TOKEN))

    def read(crops: Sequence[np.ndarray]) -> list[str]:
        for crop in crops:
            square = cv2.resize(crop, (TROCR_PX, TROCR_PX))
            pixels = torch.from_numpy(square).float()[None, None].expand(1, 3, -1, -1) / 127.5 - 1
            network.generate(
                pixels, min_new_tokens=steps, max_new_tokens=steps, do_sample=False,
                decoder_start_token_id=2, pad_token_id=1,
            )  # fmt: skip
        return [""] * len(crops)

    return read


def rapidocr_reader() -> Read:
    """Return how RapidOCR's recogniser reads lines, with its own weights."""
    import logging

    from rapidocr import RapidOCR

    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    engine = RapidOCR(params={"EngineConfig.onnxruntime.intra_op_num_threads": 1})

    def read(crops: Sequence[np.ndarray]) -> list[str]:
        texts = []
        for crop in crops:
            found = engine(np.repeat(crop[..., None], 3, 2), use_det=False, use_cls=False)
            texts.append(" ".join(found.txts or ()))
        return texts

    return read


def _reading_nothing(network: Callable[[Tensor], object], height_px: int) -> Read:
    """Return a reader by a network of random weights, line by line, scaled to a height."""

    def read(crops: Sequence[np.ndarray]) -> list[str]:
        for crop in crops:
            width_px = max(8, round(crop.shape[1] * height_px / crop.shape[0]))
            image = torch.from_numpy(cv2.resize(crop, (width_px, height_px))).float() / 255
            with torch.inference_mode():
                network(image[None, None])
        return [""] * len(crops)

    return read


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recognition_rivals")
    parser.add_argument("lines", type=Path, metavar="LINES.zip", help="labelled line set")
    parser.add_argument("--count", type=int, default=32, help="lines to read (32)")
    parser.add_argument("--threads", type=int, default=1, help="of torch (1)")
    parser.add_argument(
        "--packages",
        type=Path,
        action="append",
        default=[],
        help="folder that holds rivals' packages",
    )
    options = parser.parse_args(arguments)
    sys.path += [str(folder) for folder in options.packages]  # behind ours
    set_threads(options.threads)
    cv2.setNumThreads(1)
    declare_torchvision_operators()
    with open_line_set(options.lines) as line_set:
        chosen = spread_lines(line_set.lines, options.count)
        crops = [line_set.image(line) for line in chosen]
    ours = Recognizer.load(default_model_path(), "cpu", "fp32", threads=options.threads)
    rivals = [Contestant("ours", ours.name, our_reader(ours), [])]
    makers: dict[tuple[str, str], Callable[[], Read]] = {
        ("kraken 7, default", RANDOM): kraken_reader,
        ("PyLaia, default, rebuilt", RANDOM): pylaia_reader,
        ("TrOCR-base", RANDOM): lambda: trocr_reader([len(line.text) for line in chosen]),
        ("RapidOCR", "PP-OCR, its own weights"): rapidocr_reader,
    }
    for (network, name), make in makers.items():
        try:
            rivals.append(Contestant(network, name, make(), []))
        except Exception as error:  # whatever a rival of another house brings
            print(f"{network} was not run: {type(error).__name__}: {error!s:.200}")
    compete(rivals, crops)
    print(table(rows_of(rivals, [line.text for line in chosen])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
