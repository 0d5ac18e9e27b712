"""Model files: the network with its configuration, alphabet and facts, read and written.

The format is described in `htr/header.py`. torch is imported where it is needed, so that a
model's header can be shown without it. A file may hold the head that only training needs; it is
written with the model and passed over when a model is loaded for reading.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from htr.alphabet import Alphabet
from htr.config import ModelConfig
from htr.errors import CheckpointError, CheckpointFormatError, CheckpointMismatchError
from htr.header import (
    FORMAT,
    TCM_PREFIX,
    VERSION,
    CheckpointHeader,
    check_alphabet,
    read_header,
    read_tensor_file,
    tcm_shapes,
)

if TYPE_CHECKING:
    from torch import Tensor

    from htr.model import HTRConvText

__all__ = ["Checkpoint", "CheckpointHeader", "load_checkpoint", "read_header", "save_checkpoint"]

COUNTER = "num_batches_tracked"
"""Batch norm's counters, which no one needs: never written, and not missed when reading."""


@dataclass(frozen=True)
class Checkpoint:
    """A model ready to use.

    model: in eval mode, fp32, on the CPU. facts: "name", "created" (ISO 8601), "training" and
    "metrics" (JSON objects).
    """

    model: HTRConvText
    config: ModelConfig
    alphabet: Alphabet
    facts: dict[str, Any]


def load_checkpoint(path: Path | str) -> Checkpoint:
    """Return the model in a file of our format, in eval mode, fp32, on the CPU.

    Raises CheckpointFormatError if the file is damaged or not ours, CheckpointMismatchError if
    its parts contradict each other. Nothing is allocated before the header was found consistent.
    A training head in the file is never read, be it whole or not.
    """
    path = Path(path)
    header = read_header(path)
    shapes = {
        name: entry.shape
        for name, entry in header.tensors.items()
        if not name.startswith(TCM_PREFIX)
    }
    model = empty_model(path.name, header.config, shapes)
    fill_model(path.name, model, read_tensors(path, shapes))
    facts = {
        "name": header.name,
        "created": header.created,
        "training": header.training,
        "metrics": header.metrics,
    }
    return Checkpoint(model.eval(), header.config, header.alphabet, facts)


def save_checkpoint(
    path: Path | str,
    model: HTRConvText,
    alphabet: Alphabet,
    *,
    name: str,
    created: datetime,
    training: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    half: bool = False,
    tcm_head: Mapping[str, Tensor] | None = None,
) -> Path:
    """Return `path` after writing the model there: whole, or not at all.

    created: with time zone. training, metrics: values that JSON can hold. half: store 16-bit
    numbers (half the size). tcm_head: the training head's tensors, for later training.

    Raises CheckpointMismatchError if the alphabet does not fill the head, or the training head
    belongs to another network; CheckpointError if a number is not finite, the facts are no JSON,
    or writing fails.
    """
    import safetensors.torch

    path = Path(path)
    check_alphabet(path.name, alphabet, model.config.classes)
    if tcm_head is not None:
        _check_tcm_head(path.name, model.config, tcm_head)
    if created.tzinfo is None:
        raise CheckpointError("The time of creation needs a time zone.")
    try:
        metadata = {
            "format": FORMAT,
            "version": VERSION,
            "name": name,
            "created": created.isoformat(timespec="seconds"),
            "config": json.dumps(model.config.as_dict()),
            "alphabet": json.dumps(alphabet.characters, ensure_ascii=False),
            "training": _facts_json(training),
            "metrics": _facts_json(metrics),
        }
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"The facts on model {name!r} are no JSON: {error}.") from error
    state = dict(model.state_dict())
    state.update({TCM_PREFIX + key: tensor for key, tensor in (tcm_head or {}).items()})
    tensors = _stored_tensors(state, half)
    _write(path, safetensors.torch.save(tensors, metadata))
    return path


def copy_with_metrics(source: Path | str, target: Path | str, metrics: Mapping[str, Any]) -> Path:
    """Return `target` after writing the model of `source` there with these metrics added.

    Every number stays as it is stored, a training head too. Raises CheckpointFormatError if the
    source is not ours; CheckpointError if the metrics are no JSON or writing fails.
    """
    import safetensors.torch

    source, target = Path(source), Path(target)
    header = read_header(source)
    metadata = dict(read_tensor_file(source).metadata)
    try:
        metadata["metrics"] = _facts_json({**header.metrics, **metrics})
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"The metrics are no JSON: {error}.") from error
    _write(target, safetensors.torch.save(read_tensors(source, header.tensors), metadata))
    return target


def empty_model(
    name: str, config: ModelConfig, shapes: Mapping[str, tuple[int, ...]]
) -> HTRConvText:
    """Return a network without memory for its numbers, once the shapes were found to fit it.

    Raises CheckpointMismatchError naming the file `name` and the first tensors that do not fit.
    """
    import torch

    from htr.model import HTRConvText

    with torch.device("meta"):
        model = HTRConvText(config)
    expected = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    missing = [key for key in expected if key not in shapes and not key.endswith(COUNTER)]
    surplus = [key for key in shapes if key not in expected]
    for words, keys in (("lacks", missing), ("has the unknown", surplus)):
        if keys:
            more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
            shown = ", ".join(repr(key[:80]) for key in sorted(keys)[:3])
            raise CheckpointMismatchError(
                f"{name} {words} tensors {shown}{more}; "
                f"its configuration describes another network."
            )
    for key, shape in shapes.items():
        if tuple(shape) != expected[key]:
            raise CheckpointMismatchError(
                f"{name} holds {key} of shape {tuple(shape)}, expected {expected[key]} by its "
                f"configuration."
            )
    return model


def fill_model(name: str, model: HTRConvText, tensors: Mapping[str, Tensor]) -> None:
    """Give the empty model these numbers, turned into fp32 copies.

    Raises CheckpointFormatError, naming the file `name`, if a number is not finite.
    """
    import torch

    state = {}
    for key, tensor in tensors.items():
        if key.endswith(COUNTER):
            continue
        number = tensor.detach().to(torch.float32, copy=True)
        if not torch.isfinite(number).all():
            raise CheckpointFormatError(
                f"{name} holds numbers that are not finite (in {key}); its training went wrong "
                f"or the file is damaged. Use an earlier model."
            )
        state[key] = number
    for key in model.state_dict():
        if key.endswith(COUNTER):
            state[key] = torch.tensor(0)
    # assign: the meta tensors have no memory to copy into
    model.load_state_dict(state, assign=True)
    for parameter in model.parameters():
        parameter.requires_grad_(True)


def read_tensors(path: Path, names: Collection[str]) -> dict[str, Tensor]:
    """Return the tensors of these names in a safetensors file whose header was checked before.

    The others stay on the disk. Raises CheckpointFormatError if the library refuses it all the
    same.
    """
    import safetensors

    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in names}
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise CheckpointFormatError(
            f"{path.name} cannot be read as a safetensors file: {error}. Copy or download it again."
        ) from error


def _check_tcm_head(name: str, config: ModelConfig, tcm_head: Mapping[str, Tensor]) -> None:
    """Raise CheckpointMismatchError unless the training head belongs to such a network."""
    found = {key: tuple(tensor.shape) for key, tensor in tcm_head.items()}
    expected = tcm_shapes(config)
    if found != expected:
        wrong = sorted(
            key for key in found.keys() | expected if found.get(key) != expected.get(key)
        )
        raise CheckpointMismatchError(
            f"{name} cannot be written: the training head's {wrong[0]} is "
            f"{found.get(wrong[0], 'missing')}, expected {expected.get(wrong[0], 'none')}. "
            f"It belongs to another model."
        )


def _stored_tensors(state: Mapping[str, Tensor], half: bool) -> dict[str, Tensor]:
    """Return the tensors as they are stored: on the CPU, contiguous, finite."""
    import torch

    dtype = torch.float16 if half else torch.float32
    stored = {}
    for key, tensor in state.items():
        if key.endswith(COUNTER):
            continue
        stored[key] = tensor.detach().to("cpu", dtype).contiguous()
        if not torch.isfinite(stored[key]).all():
            width = "16-bit" if half else "32-bit"
            raise CheckpointError(
                f"The model cannot be saved: {key} holds numbers that are not finite as {width} "
                f"floats. The training went wrong; keep the earlier model."
            )
    return stored


def _facts_json(facts: Mapping[str, Any] | None) -> str:
    return json.dumps(dict(facts or {}), ensure_ascii=False, allow_nan=False)


def _write(path: Path, data: bytes) -> None:
    """Write to a temporary file beside the target, then rename, so that no half file is seen."""
    temporary = ""
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            temporary = file.name
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # tempfile makes it private; a model is read like any data
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise CheckpointError(
            f"The model could not be written to {path}: {error.strerror or error}. "
            f"Check the folder and the free space."
        ) from error
