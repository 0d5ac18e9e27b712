"""Texts that people and files bring in, made safe to keep."""

from __future__ import annotations

import re
import unicodedata

from storage.errors import StorageError

MAX_TEXT_CHARACTERS = 2000  # a written line has about 60; a pasted page is a mistake
MAX_LABEL_CHARACTERS = 500  # titles, names, authors
MAX_MESSAGE_CHARACTERS = 2000

# What people paste from other programs: each of them is one space between words.
_BREAKS = re.compile("\r\n|[\t\n\x0b\x0c\r\x1c-\x1e\x85\u2028\u2029]")


def clean_text(text: str) -> str:
    """Return the text of a line as it is stored: NFC, and each tab or line break one space.

    Spaces at the ends stay, and so do private-use characters (mediaeval fonts) and invisible
    format characters (joiners of Arabic and Indic scripts).

    Raises:
        StorageError: another control character, half a surrogate pair, or more than
            MAX_TEXT_CHARACTERS characters.
    """
    if len(text) > 4 * MAX_TEXT_CHARACTERS:  # NFC seldom shortens more; spare the work
        raise _too_long("The text of a line", len(text), MAX_TEXT_CHARACTERS)
    cleaned = unicodedata.normalize("NFC", _BREAKS.sub(" ", text))
    for position, character in enumerate(cleaned, start=1):
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise StorageError(
                f"Character {position} of the text is U+{ord(character):04X}, which cannot be "
                "written on paper. Remove it; it often comes along when text is pasted."
            )
    if len(cleaned) > MAX_TEXT_CHARACTERS:
        raise _too_long("The text of a line", len(cleaned), MAX_TEXT_CHARACTERS)
    return cleaned


def clean_label(text: str, what: str) -> str:
    """Return a title, name or author as it is stored: NFC, one line, no spaces at the ends.

    Control characters become spaces and broken ones U+FFFD, because the names of uploaded files
    are not chosen by the person who uploads them.

    Raises:
        StorageError: more than MAX_LABEL_CHARACTERS characters; `what` is named.
    """
    if len(text) > MAX_LABEL_CHARACTERS:
        raise _too_long(what, len(text), MAX_LABEL_CHARACTERS)
    return unicodedata.normalize("NFC", _without_controls(text)).strip()


def clean_message(text: str) -> str:
    """Return a message of a run as it is stored; what is too long is cut off."""
    return "\n".join(_without_controls(part) for part in text[:MAX_MESSAGE_CHARACTERS].splitlines())


def _without_controls(text: str) -> str:
    replacements = {"Cc": " ", "Cs": "\ufffd"}
    return "".join(replacements.get(unicodedata.category(c), c) for c in text)


def _too_long(what: str, found: int, limit: int) -> StorageError:
    return StorageError(f"{what} has {found:,} characters; the limit is {limit:,}. Shorten it.")
