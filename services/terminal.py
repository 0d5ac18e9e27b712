"""What commands show in a terminal while they work."""

from __future__ import annotations

import sys


def show_share(share: float, phase: str = "done") -> None:
    """Show how far a command is, 0-1, on the line that it is on; nothing where nobody looks."""
    if sys.stderr.isatty():
        end = "\n" if share >= 1 else ""
        print(f"\r{share:4.0%} {phase:<40}", end=end, file=sys.stderr, flush=True)
