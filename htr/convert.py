"""Model files of others -> our format: the published `.pth`, and plain safetensors."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from htr.alphabet import Alphabet
from htr.checkpoint import empty_model, fill_model, read_tensors, save_checkpoint
from htr.config import ModelConfig
from htr.errors import CheckpointFormatError, ConversionError, ModelConfigError
from htr.header import (
    FORMAT,
    TCM_PREFIX,
    check_alphabet,
    config_and_alphabet,
    read_tensor_file,
    tcm_shapes,
)
from htr.pickled import load_pickled

if TYPE_CHECKING:
    from torch import Tensor

PUBLISHED_ALPHABETS = Path(__file__).with_name("published_alphabets.json")
"""Data-set name -> its characters in class order, one string."""

WEIGHT_KEYS = ("state_dict_ema", "model")
"""Where a published file keeps its weights; the averaged ones were evaluated and come first."""

PUBLISHED_DEPTH, PUBLISHED_DOWN_AFTER, PUBLISHED_UP_AFTER = 8, 3, 7
PUBLISHED_STEM_HEAD_DIM = 64
"""What the shapes of the tensors don't tell; all published models share these."""


@dataclass(frozen=True)
class _Source:
    """What was found in a foreign file, ready to be checked and saved."""

    config: ModelConfig
    alphabet: Alphabet
    tensors: Mapping[str, Tensor]
    training: dict[str, Any]
    metrics: dict[str, Any]
    tcm_head: Mapping[str, Tensor] | None = None


def convert_checkpoint(
    source: Path | str,
    target: Path | str,
    dataset: str | None = None,
    created: datetime | None = None,
    name: str | None = None,
) -> Path:
    """Return `target` after writing the model of `source` there in our format.

    source: a published `.pth` (needs `dataset`: iam, lam, read2016 or vnondb, for its alphabet),
    or safetensors with `config` and `alphabet` in the metadata. created: now, if not given.
    name: of the model; that of the target, if not given.
    A published training head that fits the network comes along, any other is left out.

    Raises UnsafeCheckpointError for a pickle that asks for code (none is run), ConversionError,
    CheckpointFormatError or CheckpointMismatchError if the file is not such a model.
    """
    source, target = Path(source), Path(target)
    if target.exists() and source.exists() and target.samefile(source):
        raise ConversionError(f"{source} cannot be converted onto itself; choose another target.")
    if is_tensor_file(source):
        found = _read_plain(source, dataset)
    else:
        found = _read_published(source, dataset)
    shapes = {name: tuple(tensor.shape) for name, tensor in found.tensors.items()}
    model = empty_model(source.name, found.config, shapes)
    half = all(_is_half(tensor) for tensor in found.tensors.values())
    fill_model(source.name, model, found.tensors)
    return save_checkpoint(
        target,
        model,
        found.alphabet,
        name=target.stem if name is None else name,
        created=created or datetime.now(UTC),
        training=found.training,
        metrics=found.metrics,
        half=half,
        tcm_head=found.tcm_head,
    )


def is_tensor_file(path: Path) -> bool:
    """Say whether the file starts as safetensors does: a length, then a JSON object.

    Raises CheckpointFormatError if the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(9)[8:] == b"{"
    except OSError as error:
        raise CheckpointFormatError(
            f"The model file {path} cannot be read: {error.strerror or error}. "
            f"Check the path and its permissions."
        ) from error


def fitting_datasets(source: Path | str) -> list[str]:
    """Return the data sets whose published alphabets fill the head of a published `.pth`.

    Raises as `convert_checkpoint` does if the file is not such a model; nothing in it is executed.
    """
    source = Path(source)
    _, tensors = _weights(source.name, load_pickled(source))
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    classes = infer_config(source.name, shapes).classes
    return [name for name, value in published_alphabets().items() if value.classes == classes]


def published_alphabets() -> dict[str, Alphabet]:
    """Return the alphabets of the published checkpoints by data-set name."""
    texts = json.loads(PUBLISHED_ALPHABETS.read_text(encoding="utf-8"))
    return {name: Alphabet(tuple(text)) for name, text in texts.items()}


def infer_config(name: str, shapes: Mapping[str, tuple[int, ...]]) -> ModelConfig:
    """Return the configuration of a published network, read from the shapes of its tensors.

    Raises ConversionError, naming the file `name`, if the tensors are not those of HTR-ConvText.
    """
    try:
        embed_dim = shapes["norm.weight"][0]
        classes = shapes["head.weight"][0]
        relative_positions, heads = shapes["blocks.0.attn.rel_pos_bias.bias.weight"]
        conv_kernel = shapes["blocks.0.conv.dw.weight"][2]
    except (KeyError, IndexError, ValueError) as error:
        raise ConversionError(
            f"{name} holds no HTR-ConvText network: its tensors are not named or shaped like one."
        ) from error
    depth = len({key.split(".")[1] for key in shapes if key.startswith("blocks.")})
    if depth != PUBLISHED_DEPTH:
        raise ConversionError(
            f"{name} has {depth} blocks; published networks have {PUBLISHED_DEPTH}, and for others "
            f"the shapes don't tell where time is halved. Convert from a safetensors file with "
            f"its configuration in the metadata."
        )
    try:
        return ModelConfig(
            embed_dim=embed_dim,
            depth=depth,
            heads=heads,
            stem_head_dim=PUBLISHED_STEM_HEAD_DIM,
            conv_kernel=conv_kernel,
            down_after=PUBLISHED_DOWN_AFTER,
            up_after=PUBLISHED_UP_AFTER,
            max_relative_positions=(relative_positions + 1) // 2,
            classes=classes,
            contrast="none",
        )
    except ModelConfigError as error:
        raise ConversionError(f"{name} holds no published network. {error}") from error


def _read_plain(source: Path, dataset: str | None) -> _Source:
    """Return what a safetensors file with `config` and `alphabet` in its metadata holds."""
    frame = read_tensor_file(source)
    if frame.metadata.get("format") == FORMAT:
        raise ConversionError(f"{source.name} is in this app's format already; use it as it is.")
    config, alphabet = config_and_alphabet(source.name, frame)
    if dataset is not None and _alphabet_of(source.name, dataset, config.classes) != alphabet:
        raise ConversionError(
            f"{source.name} brings its own alphabet, and it is not that of {dataset!r}. "
            f"Convert it without naming a data set."
        )
    names = [key for key in frame.tensors if not key.startswith(TCM_PREFIX)]
    training = {"source": source.name}
    return _Source(config, alphabet, read_tensors(source, names), training, metrics={})


def _read_published(source: Path, dataset: str | None) -> _Source:
    """Return what a published `.pth` holds; nothing in it is executed."""
    content = load_pickled(source)
    key, tensors = _weights(source.name, content)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    config = infer_config(source.name, shapes)
    alphabet = _alphabet_of(source.name, dataset, config.classes)
    training = {"source": source.name, "dataset": dataset, "weights": key}
    if type(content.get("nb_iter")) is int:
        training["steps"] = content["nb_iter"]
    metrics = {}
    for name in ("best_cer", "best_wer"):
        score = content.get(name)
        if isinstance(score, (int, float)) and math.isfinite(score):
            metrics[f"published_{name}"] = float(score)
    tcm_head = _fitting_tcm_head(source.name, config, content.get("tcm_head"))
    return _Source(config, alphabet, tensors, training, metrics, tcm_head)


def _alphabet_of(name: str, dataset: str | None, classes: int) -> Alphabet:
    """Return the published alphabet of a data set, which must fill the head exactly."""
    alphabets = published_alphabets()
    if dataset not in alphabets:
        fitting = [key for key, value in alphabets.items() if value.classes == classes]
        given = "no data set was named" if dataset is None else f"{dataset[:40]!r} is not known"
        raise ConversionError(
            f"{name} does not say which characters it writes, and {given}. Name the data set that "
            f"it was trained on: {', '.join(alphabets)}. Its head of {classes} classes fits "
            f"{' or '.join(fitting) or 'none of them'}."
        )
    check_alphabet(f"{name} as {dataset}", alphabets[dataset], classes)
    return alphabets[dataset]


def _weights(name: str, content: Mapping[Any, Any]) -> tuple[str, dict[str, Tensor]]:
    """Return the key of the weights that were chosen, and the weights by published name."""
    for key in WEIGHT_KEYS:
        state = content.get(key)
        if isinstance(state, Mapping) and state:
            return key, {_bare(entry): _checked(name, entry, state[entry]) for entry in state}
    keys = ", ".join(str(key)[:40] for key in list(content)[:8])
    raise ConversionError(
        f"{name} holds no weights under {' or '.join(WEIGHT_KEYS)}; found {keys or 'nothing'}. "
        f"Expected a checkpoint as published with HTR-ConvText."
    )


def _fitting_tcm_head(name: str, config: ModelConfig, found: Any) -> dict[str, Tensor] | None:
    """Return the published training head by name, or None where there is none of use.

    Reading does not need it and training can start without it, so that none is refused.
    """
    import torch

    state = {_bare(entry): found[entry] for entry in found} if isinstance(found, Mapping) else {}
    shapes = {key: tuple(getattr(tensor, "shape", ())) for key, tensor in state.items()}
    if shapes != tcm_shapes(config):
        return None
    checked = {key: _checked(name, key, tensor) for key, tensor in state.items()}
    finite = all(torch.isfinite(tensor).all() for tensor in checked.values())
    return checked if finite else None


def _bare(entry: Any) -> str:
    """Return the tensor's name without the prefixes that wrappers for training add."""
    text = str(entry)
    while text.startswith("module."):
        text = text.removeprefix("module.")
    return text


def _checked(name: str, entry: Any, tensor: Any) -> Tensor:
    """Return the tensor if it is a plain one that owns all the numbers that its shape claims."""
    import torch

    plain = (
        isinstance(tensor, torch.Tensor)
        and tensor.layout is torch.strided
        and tensor.device.type == "cpu"
        and not tensor.is_quantized
        and not tensor.is_complex()
    )
    # A tensor may repeat one stored number a billion times; copying it would fill the memory.
    if not plain or tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise ConversionError(f"{name} holds {str(entry)[:80]!r}, which is no plain tensor.")
    return tensor


def _is_half(tensor: Tensor) -> bool:
    return tensor.element_size() == 2 or not tensor.is_floating_point()
