"""`python -m htr backup` and `restore`: a whole data folder as one file, and back."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from services.terminal import add_data_option, check_data_folder, show_share


def add_backup_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `backup` and `restore` to the commands of a parser."""
    command = commands.add_parser(
        "backup",
        help="keep a whole data folder in one file",
        description="Write the database, the page images, the models and the reports of a data "
        "folder into one zip archive. The app may run meanwhile.",
    )
    command.add_argument("out", type=Path, metavar="FILE.zip", help="file to write")
    add_data_option(command)
    command.set_defaults(command=backup)
    command = commands.add_parser(
        "restore",
        help="make a data folder from a backup",
        description="Unpack a backup into a new data folder, checking every file. Nothing is "
        "there before all of it is.",
    )
    command.add_argument("backup", type=Path, metavar="FILE.zip", help="the backup")
    add_data_option(command)
    command.set_defaults(command=restore)


def backup(options: argparse.Namespace) -> int:
    """Return the exit status after writing a backup: 0 done, 1 it failed or a file is damaged."""
    import storage

    made = storage.Backup()
    partial = options.out.with_name(f"{options.out.name}.part")
    try:
        check_data_folder(options.data)
        with storage.open_store(options.data, check=False) as store, partial.open("wb") as out:
            for piece in storage.backup_pieces(store, made, show_share):
                out.write(piece)
        partial.replace(options.out)
    except storage.StorageError as error:
        print(f"htr: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"htr: {options.out} cannot be written: {error.strerror}", file=sys.stderr)
        return 1
    finally:
        partial.unlink(missing_ok=True)
    return _told(f"{options.out}: {made.files:,} files, {made.size_bytes:,} bytes", made.damaged)


def restore(options: argparse.Namespace) -> int:
    """Return the exit status after restoring a backup: 0 done, 1 it failed or lacks a file."""
    import storage

    try:
        restored = storage.restore_backup(options.backup, options.data, show_share)
    except (storage.StorageError, OSError) as error:
        print(f"htr: {error}", file=sys.stderr)
        return 1
    words = f"{options.data}: {restored.files:,} files, all as they were when they were backed up"
    return _told(words, restored.damaged)


def _told(words: str, damaged: list[str]) -> int:
    print(words)
    for damage in damaged:
        print(f"htr: {damage}", file=sys.stderr)
    return 1 if damaged else 0
