"""Reads handwriting: line images -> text with a confidence for every character.

The names below are loaded when they are first used, because torch takes seconds to import.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_MODULE_OF = {
    "Alphabet": "alphabet",
    "UnknownCharacter": "alphabet",
    "Checkpoint": "checkpoint",
    "load_checkpoint": "checkpoint",
    "save_checkpoint": "checkpoint",
    "CheckpointHeader": "header",
    "read_header": "header",
    "ModelConfig": "config",
    "RecognitionError": "errors",
    "HTRConvText": "model",
    "convert_checkpoint": "convert",
    "download_checkpoint": "hub",
    "Character": "decode",
    "Recognizer": "recognizer",
    "Transcript": "decode",
    "ReadLine": "pipeline",
    "read_page": "pipeline",
}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    """Return the public name from its module, imported now."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return __all__
