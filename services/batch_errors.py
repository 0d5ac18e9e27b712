"""What a batch raises."""

from __future__ import annotations


class BatchError(Exception):
    """A batch that cannot go on at all; the message says what to do."""
