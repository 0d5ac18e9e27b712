"""What a model file says about itself, read and checked without torch.

A model file is a safetensors file: eight bytes with the length of a JSON header, the header
(name, type, shape and place of every tensor, and text metadata), then the numbers. Ours has this
metadata, each value JSON unless marked:

    format      "htr-desk" (plain text)
    version     "1" (plain text)
    name        name of the model (plain text)
    created     time of writing, ISO 8601 with zone (plain text)
    config      fields of ModelConfig
    alphabet    list of characters; class i + 1 is character i
    training    facts on the training: data, steps, settings
    metrics     scores, such as cer and wer with the set they were measured on

Tensors named `tcm_head.*` belong to a head that only training needs (`training/tcm.py`). They may
be missing; reading handwriting never loads them.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from htr.alphabet import Alphabet
from htr.config import ModelConfig, config_from
from htr.errors import (
    AlphabetError,
    CheckpointFormatError,
    CheckpointMismatchError,
    ModelConfigError,
)

FORMAT = "htr-desk"
VERSION = "1"

TCM_PREFIX = "tcm_head."
"""Before the names of the training head's tensors."""

TCM_WIDTH = 256
"""Width of the training head, whatever the network's. Source: the paper."""

HEADER_LIMIT_BYTES = 4_000_000
"""A header of ours takes about 60 kB; a larger one is damaged or hostile."""

TENSORS_LIMIT = 10_000
"""The largest configuration has about 2,500 tensors."""

DTYPE_BYTES = {"F32": 4, "F16": 2, "BF16": 2, "F64": 8, "I64": 8}
"""Types that a model file may hold, with the size of one number."""


@dataclass(frozen=True)
class TensorEntry:
    """Type (a key of DTYPE_BYTES) and shape of one stored tensor."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class TensorFile:
    """The checked frame of a safetensors file: its tensors and its text metadata."""

    tensors: Mapping[str, TensorEntry]
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class CheckpointHeader:
    """What a model file of our format says about itself.

    created: ISO 8601. training, metrics: JSON objects. size_bytes: of the whole file.
    """

    name: str
    created: str
    config: ModelConfig
    alphabet: Alphabet
    training: dict[str, Any]
    metrics: dict[str, Any]
    tensors: Mapping[str, TensorEntry]
    size_bytes: int


def read_header(path: Path | str) -> CheckpointHeader:
    """Return what the model file says about itself; the numbers are not read.

    Raises CheckpointFormatError if the file is missing, damaged or not ours, and
    CheckpointMismatchError if configuration, alphabet and head contradict each other.
    """
    path = Path(path)
    frame = read_tensor_file(path)
    metadata = frame.metadata
    if metadata.get("format") != FORMAT:
        raise CheckpointFormatError(
            f"{path.name} is a safetensors file but not a model of this app (its format is "
            f"{_quoted(metadata.get('format'))}, expected {FORMAT!r}). "
            f"Convert it with `python -m htr convert`."
        )
    if metadata.get("version") != VERSION:
        raise CheckpointFormatError(
            f"{path.name} is in version {_quoted(metadata.get('version'))} of the model format; "
            f"this app reads version {VERSION}. Update the app."
        )
    config, alphabet = config_and_alphabet(path.name, frame)
    return CheckpointHeader(
        name=_text(path.name, metadata, "name"),
        created=_text(path.name, metadata, "created"),
        config=config,
        alphabet=alphabet,
        training=_json_object(path.name, metadata, "training"),
        metrics=_json_object(path.name, metadata, "metrics"),
        tensors=frame.tensors,
        size_bytes=path.stat().st_size,
    )


def read_tensor_file(path: Path) -> TensorFile:
    """Return the tensors and metadata that a safetensors file names, every number checked.

    Raises CheckpointFormatError if the file is missing, cut short or inconsistent.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            length = int.from_bytes(file.read(8), "little")
            if size < 10 or not 2 <= length <= min(HEADER_LIMIT_BYTES, size - 8):
                raise CheckpointFormatError(
                    f"{path.name} is not a safetensors file, or cut short: it states a header of "
                    f"{length:,} bytes in a file of {size:,}; expected 2 to "
                    f"{HEADER_LIMIT_BYTES:,}. Copy or download it again."
                )
            raw = file.read(length)
    except OSError as error:
        raise CheckpointFormatError(
            f"The model file {path} cannot be read: {error.strerror or error}. "
            f"Check the path and its permissions."
        ) from error
    header = _json(path.name, "header", raw)
    if not isinstance(header, dict):
        raise CheckpointFormatError(f"{path.name} has a header that is no JSON object.")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(
        isinstance(value, str) for value in metadata.values()
    ):
        raise CheckpointFormatError(f"{path.name} has metadata that is not text.")
    return TensorFile(_tensors(path.name, header, size - 8 - length), metadata)


def config_and_alphabet(name: str, frame: TensorFile) -> tuple[ModelConfig, Alphabet]:
    """Return the configuration and alphabet in the metadata, checked against the head.

    Raises CheckpointFormatError or CheckpointMismatchError, naming the file `name`.
    """
    config_values = _json_object(name, frame.metadata, "config")
    characters = _json(name, "alphabet", _text(name, frame.metadata, "alphabet"))
    if not isinstance(characters, list):
        raise CheckpointFormatError(f"{name} has an alphabet that is no list of characters.")
    try:
        config = config_from(config_values)
        alphabet = Alphabet(tuple(characters))
    except (ModelConfigError, AlphabetError) as error:
        raise CheckpointMismatchError(f"{name} cannot be used. {error}") from error
    check_alphabet(name, alphabet, config.classes)
    head = frame.tensors.get("head.weight")
    if head is None or head.shape != (config.classes, config.embed_dim):
        found = "missing" if head is None else f"of shape {head.shape}"
        raise CheckpointMismatchError(
            f"{name} states {config.classes} classes and width {config.embed_dim}, "
            f"but its head is {found}."
        )
    return config, alphabet


def tcm_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of the training head by its name, without TCM_PREFIX.

    Its vocabulary is the classes and <pad>, which comes last.
    """
    wide, vocabulary = config.embed_dim, config.classes + 1
    return {
        "dir_left": (1, 1, TCM_WIDTH),
        "dir_right": (1, 1, TCM_WIDTH),
        "emb.weight": (vocabulary, TCM_WIDTH),
        "ctx_conv.weight": (TCM_WIDTH, TCM_WIDTH, 3),
        "ctx_conv.bias": (TCM_WIDTH,),
        "txt_proj.weight": (wide, TCM_WIDTH),
        "txt_proj.bias": (wide,),
        "q_norm.weight": (wide,),
        "q_norm.bias": (wide,),
        "kv_norm.weight": (wide,),
        "kv_norm.bias": (wide,),
        "classifier.weight": (vocabulary, wide),
        "classifier.bias": (vocabulary,),
    }


def check_alphabet(name: str, alphabet: Alphabet, classes: int) -> None:
    """Raise CheckpointMismatchError unless the alphabet fills the head's classes exactly."""
    if alphabet.classes != classes:
        raise CheckpointMismatchError(
            f"{name} has a head of {classes} classes, but its alphabet of "
            f"{len(alphabet.characters)} characters needs {alphabet.classes} (blank included). "
            f"The alphabet belongs to another model."
        )


def _tensors(name: str, header: Mapping[str, Any], data_bytes: int) -> dict[str, TensorEntry]:
    """Return the entries of a header whose data fill the rest of the file without gap."""
    if len(header) > TENSORS_LIMIT:
        raise CheckpointFormatError(f"{name} names {len(header):,} tensors; no model has so many.")
    tensors = {}
    spans = []
    for key, entry in header.items():
        tensors[key], span = _tensor(name, key, entry)
        spans.append(span)
    end = 0
    for start, stop in sorted(spans):
        if start != end:
            raise CheckpointFormatError(f"{name} has tensors that overlap or leave a gap.")
        end = stop
    if end != data_bytes:
        raise CheckpointFormatError(
            f"{name} holds {data_bytes:,} bytes of numbers, but its header describes {end:,}. "
            f"It was cut short or altered; copy or download it again."
        )
    return tensors


def _tensor(name: str, key: str, entry: Any) -> tuple[TensorEntry, tuple[int, int]]:
    """Return one entry with the bytes that it spans, counted from the end of the header."""
    shown = _quoted(key)
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise CheckpointFormatError(f"{name} describes its tensor {shown} wrongly.")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPE_BYTES:
        raise CheckpointFormatError(
            f"{name} stores {shown} as {_quoted(dtype)}, expected {', '.join(DTYPE_BYTES)}."
        )
    if not _counts(shape) or len(shape) > 4 or not _counts(offsets) or len(offsets) != 2:
        raise CheckpointFormatError(f"{name} gives {shown} an impossible shape or place.")
    start, stop = offsets
    if stop - start != math.prod(shape) * DTYPE_BYTES[dtype]:
        raise CheckpointFormatError(
            f"{name} gives {shown} room for {stop - start:,} bytes, which does not match its shape."
        )
    return TensorEntry(dtype, tuple(shape)), (start, stop)


def _counts(value: Any) -> bool:
    """Say whether the value is a list of whole numbers of a sane size."""
    return isinstance(value, list) and all(
        type(number) is int and 0 <= number < 2**40 for number in value
    )


def _text(name: str, metadata: Mapping[str, str], key: str) -> str:
    if key not in metadata:
        raise CheckpointFormatError(
            f"{name} lacks `{key}` in its metadata; expected a model file of this app."
        )
    return metadata[key]


def _json_object(name: str, metadata: Mapping[str, str], key: str) -> dict[str, Any]:
    value = _json(name, key, _text(name, metadata, key))
    if not isinstance(value, dict):
        raise CheckpointFormatError(f"{name} has `{key}` that is no JSON object.")
    return value


def _json(name: str, part: str, raw: str | bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:  # RecursionError: brackets nested without end
        raise CheckpointFormatError(f"{name} is damaged: its {part} is not JSON.") from error


def _quoted(value: Any) -> str:
    """Return the value for a message, cut short: it comes from the file."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
