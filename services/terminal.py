"""What commands that work on a data folder share: its option, and what they show meanwhile."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_data_option(command: argparse.ArgumentParser) -> None:
    """Let the command be told which data folder it is about."""
    command.add_argument(
        "--data", type=Path, default=Path("data"), metavar="DIR", help="the data folder (data)"
    )


def check_data_folder(folder: Path) -> None:
    """Raise NotFound if there is no data folder, rather than make an empty one."""
    import storage

    if not (folder / "htr.sqlite").is_file():
        raise storage.NotFound(f"{folder} is no data folder: it has no htr.sqlite.")


def show_share(share: float, phase: str = "done") -> None:
    """Show how far a command is, 0-1, on the line that it is on; nothing where nobody looks."""
    if sys.stderr.isatty():
        end = "\n" if share >= 1 else ""
        print(f"\r{share:4.0%} {phase:<40}", end=end, file=sys.stderr, flush=True)
