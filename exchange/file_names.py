"""Names for files and folders that unpack everywhere, from whatever people call their pages."""

from __future__ import annotations

from exchange.xml_input import base_name

MAX_STEM = 120  # characters; longer names do not unpack everywhere
MAX_ENDING = 5
_ALLOWED = " -_.,()"
# Windows opens a device, not a file, by these names, whatever ending they have.
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul"]
    + [f"{port}{number}" for port in ("com", "lpt") for number in range(10)]
)


def safe_stem(text: str, otherwise: str = "page") -> str:
    """Return the text as a file name without ending: letters, digits and " -_.,()" stay.

    otherwise: where nothing of the text is left.
    """
    kept = "".join(c if c.isalnum() or c in _ALLOWED else "_" for c in text[:MAX_STEM])
    stem = kept.strip(" .") or otherwise
    return f"_{stem}" if stem.partition(".")[0].casefold() in _DEVICES else stem


def split_ending(name: str) -> tuple[str, str]:
    """Return the last part of a name without its ending, and the ending, "" for none."""
    last = base_name(name)
    stem, _, ending = last.rpartition(".")
    if not stem or len(ending) > MAX_ENDING or not ending.isalnum():
        return last, ""
    return stem, ending


def unused(stem: str, taken: set[str]) -> str:
    """Return the stem, numbered if it is taken, also in other case; it is taken from now on."""
    found, count = stem, 1
    while found.casefold() in taken:
        count += 1
        found = f"{stem} ({count})"
    taken.add(found.casefold())
    return found
