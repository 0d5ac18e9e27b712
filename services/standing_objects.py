"""What lives as long as the process, kept out of the collector's way."""

from __future__ import annotations

import gc


def set_standing_objects_aside(tidy: bool = True) -> None:
    """Take all that lives now for objects that stay: the collector looks through them no more.

    Libraries, screens and a loaded model are half a million objects. Looking through all of them,
    as Python does from time to time, stops every thread for a tenth of a second, also the one that
    saves what somebody types.

    tidy: look through all of them once more before, and let go of what is not used any more.
    """
    if tidy:
        gc.unfreeze()
        gc.collect()
    gc.freeze()
