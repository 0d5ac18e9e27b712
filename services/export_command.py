"""`python -m htr export`: the same files as the app writes, from the command line."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from services.export_formats import FORMATS
from services.terminal import add_data_option, check_data_folder

if TYPE_CHECKING:
    from services.export_order import ExportOrder

TEXTS = ("best", "machine", "human")


def add_export_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `export` to the commands of a parser."""
    command = commands.add_parser(
        "export",
        help="write pages with their text, in any format of the field",
        description="Write a line, a page, a document, a project or everything in a data folder "
        "to one file. The app may run meanwhile.",
        epilog="Formats:\n"
        + "\n".join(f"  {key:<12} {form.name}: {form.about}" for key, form in FORMATS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data_option(command)
    what = command.add_mutually_exclusive_group()
    for scope in ("document", "page", "line"):
        what.add_argument(f"--{scope}", type=int, metavar="N", help=f"only this {scope}")
    what.add_argument("--project", metavar="NAME", help="only the documents of this project")
    command.add_argument("--format", required=True, choices=FORMATS, metavar="F", help="see below")
    command.add_argument(
        "--text",
        choices=TEXTS,
        default="best",
        help="whose text: best is what people wrote, else the machine's (best)",
    )
    command.add_argument("--images", action="store_true", help="take the page images along")
    command.add_argument(
        "--out", type=Path, metavar="FILE", help="file to write (named after what it holds)"
    )
    command.set_defaults(command=export)


def export(options: argparse.Namespace) -> int:
    """Return the exit status after writing what the options name: 0 done, 1 it failed."""
    import storage
    from exchange import ExchangeError
    from segmentation.lines import SegmentationError
    from services.exporter import disk_words

    try:
        path = _write(options)
    except (storage.StorageError, ExchangeError, SegmentationError) as error:
        print(f"htr: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"htr: {disk_words(error)}", file=sys.stderr)
        return 1
    print(f"{path}: {path.stat().st_size:,} bytes")
    return 0


def _write(options: argparse.Namespace) -> Path:
    import storage
    from services.export_files import file_name, write_export
    from services.export_pages import select_pages

    check_data_folder(options.data)
    order = _order(options)
    with storage.open_store(options.data, check=False) as store:
        progress = _Progress()
        selection = select_pages(store, order, progress.page_done)
        progress.pages = selection.pages
        path = options.out or Path(file_name(order, selection))
        partial = path.with_name(f"{path.name}.part")
        try:
            with partial.open("wb") as out:
                write_export(out, order, selection, datetime.now(UTC))
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    return path


def _order(options: argparse.Namespace) -> ExportOrder:
    from services.export_order import read_order

    scopes = [
        scope for scope in ("document", "page", "line") if getattr(options, scope) is not None
    ]
    scope = scopes[0] if scopes else "project" if options.project else "library"
    return read_order(
        {
            "format": options.format,
            "scope": scope,
            "number": getattr(options, scope) if scopes else 0,
            "project": options.project or "",
            "text": options.text,
            "images": options.images,
        }
    )


class _Progress:
    """Shows in a terminal how many pages are done."""

    def __init__(self) -> None:
        self.pages = 0
        self._done = 0

    def page_done(self) -> None:
        """Count a page."""
        self._done += 1
        if sys.stderr.isatty():
            end = "\n" if self._done >= self.pages else ""
            print(f"\r{self._done} of {self.pages} pages", end=end, file=sys.stderr, flush=True)
