"""The models that ship with the app; found without torch, so that the app starts fast."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from htr.errors import RecognitionError

if TYPE_CHECKING:
    from htr.beam import BeamSearch

LOG = logging.getLogger("htr.shipped")
WEIGHTS = Path(__file__).parent / "weights"
LANGUAGE = Path(__file__).parent / "language" / "french-english.safetensors"
"""The language model in the box; how it was built is told beside it."""
WRITABLE_SHARE = 0.9  # of its text that a model has to write, or it is no help to it

SHIPPED_TEMPERATURES = {("convtext-d128", "2026-11-22T18:27:09+00:00"): 0.936}
"""Of shipped models whose first files, which data folders still hold, were written before it was
measured; by name and time of creation. Source: benchmarks/LOG.md, 2026-11-22, "Decoding"."""

SHIPPED_NAMES = ("convtext-d192", "convtext-d128")
"""Of the model in the box, and of those of earlier versions."""


def default_model_path() -> Path:
    """Return the file of the model that ships with the app.

    Raises RecognitionError when it is missing, as in an incomplete copy of the app.
    """
    path = WEIGHTS / f"{SHIPPED_NAMES[0]}.safetensors"
    if not path.exists():
        raise RecognitionError(
            f"No model is in {WEIGHTS}; this copy of the app is incomplete. Install it again, "
            "or name a model file."
        )
    return path


def shipped_language(alphabet: Sequence[str]) -> BeamSearch | None:
    """Return the language model in the box and the settings that suit it.

    None where it is missing, or of characters that a model with this alphabet does not write.
    """
    from htr.character_counts import known_share
    from htr.language_file import load_beam_search

    try:
        box = load_beam_search(LANGUAGE)
    except RecognitionError as error:
        LOG.warning("the language model in the box is left out: %s", error)
        return None
    suits = box.language is not None and known_share(box.language, alphabet) >= WRITABLE_SHARE
    return box if suits else None
