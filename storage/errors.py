"""Everything that storage raises, as one tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.records import LayoutChange, Revision, Run


class StorageError(Exception):
    """Something could not be stored or read back; the message says what to do."""


class NotFound(StorageError):
    """A record that was asked for by its number is not in the database."""


class DamagedDatabase(StorageError):
    """The file is no database of this program, or its content cannot be trusted."""


class NewerDatabase(StorageError):
    """The database was written by a newer version of the program than this one."""


class RevisionConflict(StorageError):
    """A line was changed by somebody else since it was read; nothing was written.

    newest: the revision that was not known to the caller, to be shown beside the refused text.
    """

    def __init__(self, message: str, newest: Revision | None) -> None:
        """Return the error with the line's newest revision (None: the line has none)."""
        super().__init__(message)
        self.newest = newest


class LayoutConflict(StorageError):
    """The lines of a page were changed by somebody else since they were read; nothing was written.

    newest: the change that was not known to the caller.
    """

    def __init__(self, message: str, newest: LayoutChange | None) -> None:
        """Return the error with the page's newest change (None: the page has none)."""
        super().__init__(message)
        self.newest = newest


class RunConflict(StorageError):
    """A run cannot start because another one of its kind is under way; nothing was written.

    active: the run that is under way.
    """

    def __init__(self, message: str, active: Run) -> None:
        """Return the error with the run that is under way."""
        super().__init__(message)
        self.active = active
