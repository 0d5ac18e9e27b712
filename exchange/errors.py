"""Everything that exchange raises, as one tree."""

from __future__ import annotations


class ExchangeError(Exception):
    """A file could not be taken in, or something could not be written; the message says why."""


class UnsafeFile(ExchangeError):
    """A file that is built to do harm, or so large or deep that it might."""


class UnknownFormat(ExchangeError):
    """A file in a format, or a version of it, that is not read here."""
