"""A character model and its search settings in a safetensors file, which holds no code."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from htr.beam import BeamSearch, BeamSettings
from htr.character_model import ORDERS, CharacterModel, Followers, highest_order
from htr.errors import RecognitionError

FORMAT = "htr-desk character model"
VERSION = "1"
FILE_LIMIT_BYTES = 500_000_000
_PARTS = {"contexts": np.int64, "first": np.int64, "numbers": np.int32, "counts": np.int32}
_RANGES = {
    "width": (1, 1000), "weight": (0.0, 10.0), "bonus": (-10.0, 10.0), "classes": (1, 1000),
    "least": (-50.0, 0.0),
}  # fmt: skip


@dataclass(frozen=True)
class Gain:
    """What a language model brought on lines that it was built without.

    lines: their number. cer_before, cer_after, wer_before, wer_after: without and with it, 0-1.
    """

    lines: int
    cer_before: float
    cer_after: float
    wer_before: float
    wer_after: float


def save_beam_search(path: Path, beam: BeamSearch, gain: Gain | None = None) -> None:
    """Write the language model with its settings, whole or not at all.

    gain: what it brought, if that was measured; kept beside the settings.
    Raises RecognitionError when there is no language model, or the file cannot be written.
    """
    from safetensors.numpy import save

    model = beam.language
    if model is None:
        raise RecognitionError("A search without a language model has nothing to keep in a file.")

    arrays = {
        f"{length}.{part}": np.ascontiguousarray(getattr(table, part))
        for length, table in enumerate(model.followers)
        for part in _PARTS
    }
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "characters": json.dumps(model.characters, ensure_ascii=False),
        "order": str(model.order),
        "settings": json.dumps(asdict(beam.settings)),
    }
    if gain is not None:
        metadata["gain"] = json.dumps(asdict(gain))
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        unfinished.write_bytes(save(arrays, metadata))
        os.replace(unfinished, path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise RecognitionError(
            f"The language model could not be written to {path}: {error.strerror or error}. "
            f"Check the folder and the free space."
        ) from error


def load_beam_search(path: Path) -> BeamSearch:
    """Return the language model and the settings in a file that `save_beam_search` wrote.

    Raises RecognitionError when it is missing, too large, damaged or of another kind.
    """
    import safetensors

    try:
        if path.stat().st_size > FILE_LIMIT_BYTES:
            raise RecognitionError(
                f"{path.name} is larger than {FILE_LIMIT_BYTES // 1_000_000} MB; "
                f"build the language model from less text or with a lower order."
            )
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            characters, order = _heading(metadata)
            settings = _settings(json.loads(metadata.get("settings", "")))
            tables = tuple(_table(file, length, len(characters)) for length in range(order))
    except OSError as error:
        raise RecognitionError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (safetensors.SafetensorError, ValueError, TypeError, RecursionError) as error:
        raise RecognitionError(
            f"{path.name} is not a language model of this app or is damaged ({error}). "
            f"Build it again."
        ) from error
    return BeamSearch(CharacterModel(characters, tables), settings)


def read_gain(path: Path) -> tuple[tuple[str, ...], Gain] | None:
    """Return the characters of the language model in a file, and what it brought.

    Nothing else is loaded. None where that was not measured, or the file cannot be read.
    """
    import safetensors

    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
        characters, _ = _heading(metadata)
        return characters, _gain(json.loads(metadata.get("gain", "")))
    except (OSError, safetensors.SafetensorError, ValueError, TypeError, RecursionError):
        return None


def _gain(values: Any) -> Gain:
    if not isinstance(values, dict) or set(values) != {f.name for f in fields(Gain)}:
        raise ValueError("a gain of another kind")
    lines, *rates = (values[f.name] for f in fields(Gain))
    if type(lines) is not int or lines < 1:
        raise ValueError("a gain on no lines")
    if any(type(rate) not in (int, float) or not 0 <= rate <= 10 for rate in rates):
        raise ValueError("an error rate out of range")
    return Gain(lines, *rates)


def _heading(metadata: dict[str, str]) -> tuple[tuple[str, ...], int]:
    if metadata.get("format") != FORMAT or metadata.get("version") != VERSION:
        raise ValueError("another format")
    characters = json.loads(metadata.get("characters", ""))
    if not isinstance(characters, list) or not all(isinstance(c, str) for c in characters):
        raise ValueError("no list of characters")
    order = int(metadata.get("order", ""))
    if not ORDERS[0] <= order <= min(ORDERS[-1], highest_order(len(characters))):
        raise ValueError("an order out of range")
    return tuple(characters), order


def _settings(values: Any) -> BeamSettings:
    """Return the settings, within what a search can do in bounded time."""
    if not isinstance(values, dict) or set(values) != {f.name for f in fields(BeamSettings)}:
        raise ValueError("settings of another kind")
    for name, (low, high) in _RANGES.items():
        value = values[name]
        if type(value) not in (int, float) or not math.isfinite(value) or not low <= value <= high:
            raise ValueError(f"the setting {name} out of range")
        if name in ("width", "classes") and type(value) is not int:
            raise ValueError(f"the setting {name} no whole number")
    return BeamSettings(**values)


def _table(file: Any, length: int, characters: int) -> Followers:
    """Return what followed the contexts of one length, checked so that no lookup can fail."""
    parts = {part: file.get_tensor(f"{length}.{part}") for part in _PARTS}
    for part, kind in _PARTS.items():
        if parts[part].ndim != 1 or parts[part].dtype != kind:
            raise ValueError(f"{length}.{part} of another kind")
    table = Followers(**parts)
    if len(table.first) != len(table.contexts) + 1 or len(table.numbers) != len(table.counts):
        raise ValueError("parts of different lengths")
    if table.first[0] != 0 or table.first[-1] != len(table.numbers):
        raise ValueError("contexts that do not fill the counts")
    if (np.diff(table.first) < 1).any() or (np.diff(table.contexts) < 1).any():
        raise ValueError("contexts out of order")
    if (table.numbers < 0).any() or (table.numbers > characters).any():
        raise ValueError("a character out of range")
    if (table.counts < 1).any():
        raise ValueError("a count below 1")
    return table
