"""A torch `.pth` file -> the dictionary in it, without running any code.

A `.pth` is a zip archive with a pickle in it, and a pickle can run code. Two walls stand before
it: every name that the pickle asks for is read without executing anything and compared with a
short list of harmless ones; then torch loads it with `weights_only=True` and the same list.
"""

from __future__ import annotations

import argparse
import collections
import pathlib
import pickletools
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from htr.errors import CheckpointFormatError, ConversionError, UnsafeCheckpointError

PICKLE_LIMIT_BYTES = 50_000_000
"""The pickle beside the numbers takes about 1 MB; a larger one is hostile."""

_STORAGES = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Byte", "Bool")
_HARMLESS_NAMES = frozenset(
    {
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter",
        "torch Size",
        "torch device",
        "collections OrderedDict",
        "collections defaultdict",
        "argparse Namespace",
        "pathlib PosixPath",
        "numpy dtype",
        "numpy.core.multiarray scalar",
        "numpy._core.multiarray scalar",
        "_codecs encode",
    }
    | {f"torch {kind}Storage" for kind in _STORAGES}
    | {f"{module} {kind}" for module in ("builtins", "__builtin__") for kind in ("dict", "list")}
)


def load_pickled(source: Path) -> Mapping[Any, Any]:
    """Return the dictionary in a `.pth`, loaded without running code.

    Raises UnsafeCheckpointError if it asks for code, CheckpointFormatError if it is damaged or
    no torch archive, ConversionError if it holds no dictionary.
    """
    import torch

    _check_archive(source)
    try:
        with torch.serialization.safe_globals(_harmless_objects()):
            content = torch.load(source, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # a damaged pickle can fail in any way; all mean the same to us
        raise CheckpointFormatError(
            f"{source.name} cannot be read as a torch checkpoint ({type(error).__name__}). "
            f"It is damaged or made by something else; download it again."
        ) from error
    if not isinstance(content, Mapping):
        raise ConversionError(
            f"{source.name} holds {type(content).__name__}, expected a dictionary with weights."
        )
    return content


def _check_archive(source: Path) -> None:
    """Refuse whatever is not an uncompressed zip with one pickle of harmless names."""
    try:
        with zipfile.ZipFile(source) as archive:
            entries = archive.infolist()
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise CheckpointFormatError(
                    f"{source.name} is a compressed archive; torch writes uncompressed ones."
                )
            pickles = [entry for entry in entries if entry.filename.endswith(".pkl")]
            if len(pickles) != 1 or pickles[0].file_size > PICKLE_LIMIT_BYTES:
                raise CheckpointFormatError(
                    f"{source.name} is an archive, but not one of weights: found {len(pickles)} "
                    f"pickles, expected one of at most {PICKLE_LIMIT_BYTES // 1_000_000} MB."
                )
            pickled = archive.read(pickles[0])
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise CheckpointFormatError(
            f"{source.name} is neither safetensors nor a checkpoint as torch has written it since "
            f"version 1.6 (a zip archive). Nothing in it was run. Download it again, or save it "
            f"again with a current torch."
        ) from error
    unsafe = sorted(_names_asked_for(source.name, pickled) - _HARMLESS_NAMES)
    if unsafe:
        shown = ", ".join(name.replace(" ", ".", 1)[:60] for name in unsafe[:3])
        raise UnsafeCheckpointError(
            f"{source.name} was refused: loading it would call {shown}, which weights don't need. "
            f"Nothing in it was run. Use the file only if you trust its author, and ask for a "
            f"safetensors version."
        )


def _names_asked_for(name: str, pickled: bytes) -> set[str]:
    """Return every "module name" that a pickle would import; the pickle is read, not run."""
    found = set()
    try:
        for opcode, argument, _ in pickletools.genops(pickled):
            if opcode.name in ("GLOBAL", "INST"):
                found.add(str(argument))
            elif opcode.name in ("STACK_GLOBAL", "EXT1", "EXT2", "EXT4"):
                # Names put together while it runs; torch.save writes none of these.
                found.add(f"a computed name ({opcode.name})")
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise CheckpointFormatError(f"{name} holds a damaged pickle; download it again.") from error
    return found


def _harmless_objects() -> list[Any]:
    """Return what the unpickler may construct beside tensors: settings and plain numbers."""
    import numpy as np

    scalar = np.float64(0).__reduce__()[0]
    return [
        argparse.Namespace,
        collections.defaultdict,
        pathlib.PosixPath,
        dict,
        list,
        np.dtype,
        *(type(np.dtype(kind)) for kind in ("f8", "f4", "i8", "i4", "?")),
        (scalar, "numpy.core.multiarray.scalar"),
        (scalar, "numpy._core.multiarray.scalar"),
    ]
