"""The model that ships with the app; found without torch, so that the app starts fast."""

from __future__ import annotations

from pathlib import Path

from htr.errors import RecognitionError

WEIGHTS = Path(__file__).parent / "weights"
LANGUAGE = Path(__file__).parent / "language" / "french-english.safetensors"
"""The language model in the box; how it was built is told beside it."""

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
