"""Line crops -> transcripts: loads a model once, then reads in batches."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from htr.alphabet import BLANK, Alphabet
from htr.batch_workers import batch_workers
from htr.beam import BeamSearch, log_softmax
from htr.calibration import temperature_of
from htr.checkpoint import load_checkpoint
from htr.config import ModelConfig
from htr.decode import EMPTY_TRANSCRIPT, Character, Transcript, decode_lines, transcribe
from htr.device import (
    PRECISIONS,
    autocast,
    check_precision,
    choose_device,
    is_out_of_memory,
    measured_precision,
    precision_candidates,
    set_threads,
    trial_clock,
)
from htr.errors import RecognitionError
from htr.model import HTRConvText
from htr.preprocess import (
    LONGEST_PX,
    bucket_width,
    check_crop,
    line_width_px,
    pad_lines,
    prepare_line,
    roomy_width_px,
)

__all__ = ["Character", "Recognizer", "Transcript"]

Progress = Callable[[float], None]
"""Called with the share of the lines that were read so far, 0 to 1."""

FULL_LINE_PX = 64 * 512
CPU_BATCH_PX = 8 * FULL_LINE_PX  # measured: larger batches leave the cache and gain nothing
CUDA_BATCH_PX = 128 * FULL_LINE_PX  # a few GB with the published width


@dataclass(frozen=True)
class _Batch:
    """Lines on their way through the network: their rows, widths and logits (B, T, V)."""

    rows: list[int]
    line_widths_px: list[int]
    logits: torch.Tensor

    def only(self, places: list[int]) -> _Batch:
        """Return the batch with the lines at these places alone."""
        rows = [self.rows[place] for place in places]
        widths_px = [self.line_widths_px[place] for place in places]
        return _Batch(rows, widths_px, self.logits[places])


class Recognizer:
    """A model on a device, ready to read line crops.

    name: of the model. precision: "fp32", "bf16" or "fp16". device, config, alphabet as loaded.
    """

    def __init__(
        self,
        model: HTRConvText,
        config: ModelConfig,
        alphabet: Alphabet,
        device: torch.device | None = None,
        precision: str = "fp32",
        name: str = "",
        bucket_px: int | None = None,
        beam: BeamSearch | None = None,
        temperature: float = 1.0,
    ) -> None:
        """Put the model on the device; measure the precision if it is "auto".

        bucket_px: width bucket, see `bucket_width`; None takes the model's own rule.
        beam: search with a language model instead of greedily.
        temperature: of the confidences, see `htr/calibration.py`.
        Raises RecognitionError for a precision that the device cannot compute, and for a language
        model of another alphabet.
        """
        language = beam.language if beam else None
        if language is not None and language.characters != alphabet.characters:
            raise RecognitionError(
                f"The language model was built for another alphabet than that of model {name!r}. "
                "Build it again for this model."
            )
        self._beam = beam
        self._temperature = temperature
        self.config = config
        self.alphabet = alphabet
        self.device = device or torch.device("cpu")
        self.name = name
        self._bucket_px = bucket_px
        self._batch_px = CUDA_BATCH_PX if self.device.type == "cuda" else CPU_BATCH_PX
        check_precision(precision, self.device)
        # Channels last: the same numbers, a quarter faster in the stem's convolutions.
        self._model = model.eval().to(self.device)
        self._model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._short_networks: dict[str, HTRConvText] = {}
        self.precision = self._measure_precision() if precision == "auto" else precision
        for tried in self._short_networks.keys() - {self.precision}:
            del self._short_networks[tried]

    @classmethod
    def load(
        cls,
        path: str | Path,
        device: str = "auto",
        precision: str = "auto",
        bucket_px: int | None = None,
        threads: int | None = None,
        beam: BeamSearch | None = None,
    ) -> Recognizer:
        """Return the model of that file, ready to read.

        device: auto, cpu, cuda or cuda:N. precision: auto, fp32, bf16 or fp16.
        bucket_px: see `bucket_width`. threads: of this process, see `set_threads`.
        Raises RecognitionError when the file, the device or the precision cannot be used.
        """
        chosen = choose_device(device)
        check_precision(precision, chosen)
        set_threads(threads)
        checkpoint = load_checkpoint(path)
        return cls(
            checkpoint.model,
            checkpoint.config,
            checkpoint.alphabet,
            chosen,
            precision,
            str(checkpoint.facts["name"]),
            bucket_px,
            beam,
            temperature_of(checkpoint.facts),
        )

    def recognize(
        self,
        crops: Sequence[np.ndarray],
        progress: Progress | None = None,
        batch_lines: int | None = None,
    ) -> list[Transcript]:
        """Return the transcript of every crop, in the order given.

        crops: uint8, gray (H, W) or RGB (H, W, 3), of any size; a crop without pixels gives an
        empty transcript. batch_lines: lines a batch at most; None goes by their pixels.

        Raises RecognitionError for a crop of another kind, before anything is read, and when
        memory does not suffice for a single line.
        """
        _check_crops(crops)
        transcripts = [EMPTY_TRANSCRIPT] * len(crops)
        readable = [row for row, crop in enumerate(crops) if crop.size]
        done = len(crops) - len(readable)
        for batch in self._batches(crops, readable, batch_lines):
            read = self._decode(batch, [crops[row].shape[1] for row in batch.rows])
            for row, transcript in zip(batch.rows, read, strict=True):
                transcripts[row] = transcript
            done += len(read)
            if progress:
                progress(done / len(crops))
        return transcripts

    def log_probabilities(
        self, crops: Sequence[np.ndarray], progress: Progress | None = None
    ) -> list[np.ndarray]:
        """Return what the network thinks of every crop before any search: float32 (T, V), ln.

        T counts the steps of the line and its padding. A crop without pixels gives (0, V).
        Raises RecognitionError as `recognize` does.
        """
        _check_crops(crops)
        found = [np.zeros((0, self.alphabet.classes), np.float32)] * len(crops)
        readable = [row for row, crop in enumerate(crops) if crop.size]
        done = 0
        for batch in self._batches(crops, readable, None):
            values = log_softmax(batch.logits.float().cpu().numpy()).astype(np.float32)
            for row, line in zip(batch.rows, values, strict=True):
                found[row] = line
            done += len(batch.rows)
            if progress:
                progress(done / len(readable))
        return found

    @property
    def with_language(self) -> bool:
        """Whether a language model chooses between readings."""
        return self._beam is not None and self._beam.language is not None

    def _decode(self, batch: _Batch, crop_widths_px: list[int]) -> list[Transcript]:
        logits = batch.logits.float().cpu().numpy()
        if self._beam is None:
            return decode_lines(
                logits, self.alphabet, batch.line_widths_px, crop_widths_px, self._temperature
            )
        spikes = self._beam.find_spikes(logits, self._temperature)
        return transcribe(spikes, len(logits), self.alphabet, batch.line_widths_px, crop_widths_px)

    def _batches(
        self, crops: Sequence[np.ndarray], rows: list[int], batch_lines: int | None
    ) -> Iterator[_Batch]:
        """Yield the rows batch by batch, each once its successors are on their way.

        A GPU computes behind Python's back, so the next batch is prepared and the last one is
        decoded while it works; on a CPU each core has a batch of its own. A batch that memory has
        no room for is halved. Lines that turn out to be squashed too far come last, wider.
        """
        widths_px = {row: line_width_px(crops[row], self.config) for row in rows}
        under_way: deque[tuple[list[int], Future[_Batch]]] = deque()
        with batch_workers(self.device) as workers:
            columns = sum(self._bucket(width_px) for width_px in widths_px.values())
            share_px = columns * self.config.image_height // workers.count
            queue = deque(self._plan(widths_px, batch_lines, share_px))
            while queue or under_way:
                while queue and len(under_way) <= workers.count:
                    batch_rows = queue.popleft()
                    lines = [(crops[row], widths_px[row]) for row in batch_rows]
                    launched = workers.submit(self._launch, lines, batch_rows)
                    under_way.append((batch_rows, launched))
                batch_rows, launched = under_way.popleft()
                try:
                    batch = launched.result()
                except RuntimeError as error:
                    if not is_out_of_memory(error):
                        raise
                    bucket_px = self._bucket(widths_px[batch_rows[0]])
                    halves = self._halves(batch_rows, bucket_px, error)
                    queue.extendleft(reversed(halves))
                    continue
                wider_px = self._too_dense(batch, crops)
                widths_px.update(wider_px)
                queue.extend(self._plan(wider_px, batch_lines, share_px))
                done = [place for place, row in enumerate(batch.rows) if row not in wider_px]
                if done:
                    yield batch if not wider_px else batch.only(done)

    def _plan(
        self, widths_px: dict[int, int], batch_lines: int | None, share_px: int
    ) -> Iterator[list[int]]:
        """Yield the rows of each batch: one width bucket a batch, widest first.

        Widest first, so that memory which does not suffice shows at once. share_px: what each of
        those that compute at once would have, if all of it could be shared out.
        """
        most_px = min(self._batch_px, share_px)
        by_bucket: dict[int, list[int]] = {}
        for row, width_px in widths_px.items():
            by_bucket.setdefault(self._bucket(width_px), []).append(row)
        for bucket_px in sorted(by_bucket, reverse=True):
            rows = by_bucket[bucket_px]
            fit = max(1, most_px // (bucket_px * self.config.image_height))
            size = max(1, min(fit, batch_lines or fit))
            for first in range(0, len(rows), size):
                yield rows[first : first + size]

    def _launch(self, lines: list[tuple[np.ndarray, int]], rows: list[int]) -> _Batch:
        """Return the batch with its logits, which on a GPU may still be under way.

        lines: crop, and the width in px to read it at.
        """
        prepared = [prepare_line(crop, self.config, width_px) for crop, width_px in lines]
        widths_px = [width_px for _, width_px in lines]
        images = torch.from_numpy(pad_lines(prepared, self._bucket(widths_px[0])))
        if self.device.type == "cuda":
            images = images.pin_memory().to(self.device, non_blocking=True)
        return _Batch(rows, widths_px, self._compute(images))

    def _too_dense(self, batch: _Batch, crops: Sequence[np.ndarray]) -> dict[int, int]:
        """Return the rows that have too little room for what is read on them, and a better width.

        A line may be squashed as long as its letters stay apart, which its text tells.
        """
        widths_px = batch.line_widths_px
        sizes = [crops[row].shape for row in batch.rows]
        most = LONGEST_PX  # more characters than any line holds
        if all(
            roomy_width_px(size, wide, most, self.config) == wide
            for size, wide in zip(sizes, widths_px, strict=True)
        ):
            return {}  # none of them is squashed
        classes = batch.logits.argmax(-1).cpu()
        new = (classes[:, 1:] != classes[:, :-1]) & (classes[:, 1:] != BLANK)
        counts = (new.sum(1) + (classes[:, 0] != BLANK)).tolist()
        wider_px = {}
        for row, size, wide, count in zip(batch.rows, sizes, widths_px, counts, strict=True):
            roomy_px = roomy_width_px(size, wide, count, self.config)
            if roomy_px > wide:
                wider_px[row] = roomy_px
        return wider_px

    def _compute(self, images: torch.Tensor, precision: str = "") -> torch.Tensor:
        with torch.inference_mode():
            features = self._features(images, precision or self.precision)
            # In fp32 always: 8 bits of logit would tie classes that the features tell apart.
            return self._model.head(features.float())

    def _features(self, images: torch.Tensor, precision: str) -> torch.Tensor:
        if precision == "fp32" or not casts_weights(self.device):
            with autocast(self.device, precision):
                return self._model.features(images)
        if precision not in self._short_networks:
            self._short_networks[precision] = short_network(self._model, precision)
        return self._short_networks[precision].features(images.to(PRECISIONS[precision]))

    def _bucket(self, width_px: int) -> int:
        return bucket_width(width_px, self.config, self._bucket_px)

    def _halves(self, rows: list[int], bucket_px: int, error: RuntimeError) -> list[list[int]]:
        """Return the batch in two halves, and use smaller batches from now on."""
        if len(rows) == 1:
            raise RecognitionError(
                f"There is not enough memory on {self.device} to read a single line. "
                "Close other programs, or choose the device cpu."
            ) from error
        failed_px = len(rows) * bucket_px * self.config.image_height
        self._batch_px = max(1, min(self._batch_px, failed_px // 2))
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        middle = len(rows) // 2
        return [rows[:middle], rows[middle:]]

    def _measure_precision(self) -> str:
        """Return the faster precision for this network on this device."""
        shape = (2, 1, self.config.image_height, self.config.image_max_width)
        images = torch.ones(shape, device=self.device)

        def compute(precision: str) -> None:
            self._compute(images, precision)
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)

        key = (self.config, str(self.device), torch.get_num_threads())
        candidates = precision_candidates(self.device)
        return measured_precision(key, candidates, compute, trial_clock(self.device))


def casts_weights(device: torch.device) -> bool:
    """Return whether a device gains by weights of 16 bits; a CPU's kernels cast them as they go.

    Measured on an H200, batches of 256: 5,600 lines a second of the published network in fp16
    instead of 4,600, and 11,800 instead of 10,000 of one 128 wide.
    """
    return device.type == "cuda"


def short_network(model: HTRConvText, precision: str) -> HTRConvText:
    """Return a copy of the network that computes in "bf16" or "fp16" throughout."""
    return copy.deepcopy(model).to(PRECISIONS[precision])


def _check_crops(crops: Sequence[np.ndarray]) -> None:
    for number, crop in enumerate(crops):
        try:
            check_crop(crop)
        except RecognitionError as error:
            raise RecognitionError(f"Line {number + 1} of {len(crops)}: {error}") from error
