"""`python -m htr import`: files and folders into a data folder, as the app takes them in."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from services.terminal import add_data_option, show_share

if TYPE_CHECKING:
    import storage
    from services.import_plan import Plan

MAX_SHOWN = 20  # problems that are printed; the rest is counted


def add_import_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `import` to the commands of a parser."""
    command = commands.add_parser(
        "import",
        help="take whole projects, pages or data sets into a data folder",
        description="Take in folders, zip archives, images, PAGE XML, ALTO, METS and data sets of "
        "line images. What is found is shown first; the app may run meanwhile, and reads "
        "pages that come without lines.",
    )
    command.add_argument(
        "sources", nargs="+", metavar="SOURCE", help="folder, archive, file, or IIIF address"
    )
    add_data_option(command)
    command.add_argument(
        "--document", type=int, metavar="N", help="into this document, instead of new ones"
    )
    command.add_argument("--title", metavar="NAME", help="what a single new document is called")
    command.add_argument(
        "--text-by",
        choices=("human", "machine"),
        help="who wrote the text; needed where there is any: files cannot tell",
    )
    command.add_argument(
        "--partly", action="store_true", help="leave out what cannot be taken in, take the rest"
    )
    command.add_argument(
        "--no-reading", action="store_true", help="do not queue what has no text to be read"
    )
    command.add_argument("--dry-run", action="store_true", help="only show what is found")
    command.add_argument("--author", metavar="NAME", help="who signs (HTR_AUTHOR, the login name)")
    command.set_defaults(command=import_sources)


def import_sources(options: argparse.Namespace) -> int:
    """Return the exit status after taking in what the options name: 0 done, 1 not or not all."""
    import storage
    from exchange import ExchangeError
    from services.settings import SettingsError, read_settings

    try:
        environment = {**os.environ, "HTR_DATA_DIR": str(options.data)}
        if options.author:
            environment["HTR_AUTHOR"] = options.author
        with storage.open_store(options.data, check=False) as store:
            return _import(options, store, read_settings(environment))
    except (storage.StorageError, ExchangeError, SettingsError) as error:
        return _failed(str(error))


def _import(options: argparse.Namespace, store: storage.Store, settings: Any) -> int:
    from dataclasses import replace

    import storage
    from services.import_pages import ImportWish
    from services.import_work import TakeIn, source_of
    from services.importer import COMMAND

    with source_of(settings, options.sources) as source:
        plan = source.plan(store, options.document, show_share)
        if options.title and len(plan.documents) == 1:
            plan = replace(plan, documents=(replace(plan.documents[0], title=options.title),))
        _show(plan)
        if options.dry_run:
            return 1 if plan.findings.problem_count else 0
        if not options.text_by and plan.findings.texts + plan.findings.line_images:
            return _failed("Say who wrote the text: --text-by human or --text-by machine.")
        if plan.findings.problem_count and not options.partly:
            return _failed("Nothing was taken in; --partly takes the rest.")
        wish = ImportWish(options.text_by or "human", not options.no_reading, settings.author)
        run_settings = {"stage": "take", "partly": options.partly}
        with storage.write(store):  # at work before the app could take it for one of its own
            run = storage.add_run(
                store, COMMAND, document_id=options.document, settings=run_settings
            )
            storage.begin_run(store, run.id, os.getpid())
        try:
            result = TakeIn(store, settings, run, plan.documents, wish, show_share).take_all(source)
        except BaseException as error:
            storage.fail_run(store, run.id, str(error) or "Interrupted.")
            raise
        storage.finish_run(store, run.id, result)
    numbers = ", ".join(str(number) for number in result["documents"])
    print(f"{result['pages']:,} pages with {result['lines']:,} lines are in (document {numbers})")
    for problem in result["problems"][:MAX_SHOWN]:
        print(f"htr: {problem}", file=sys.stderr)
    return 1 if result["problem_count"] else 0


def _show(plan: Plan) -> None:
    """Print what an import would bring."""
    found = plan.findings
    for document in plan.documents:
        print(f"{document.title}: {document.count:,} pages")
    formats = ", ".join(f"{number:,} {name}" for name, number in found.formats.items())
    print(
        f"{found.lines:,} lines, {found.texts:,} with text ({formats or 'no layouts'}), "
        f"{found.line_images:,} line images"
    )
    for note in found.notes[:MAX_SHOWN]:
        print(f"  note: {note}")
    for problem in found.problems[:MAX_SHOWN]:
        print(f"htr: {problem}", file=sys.stderr)
    if found.problem_count > MAX_SHOWN:
        print(f"htr: and {found.problem_count - MAX_SHOWN:,} more", file=sys.stderr)


def _failed(message: str) -> int:
    print(f"htr: {message}", file=sys.stderr)
    return 1
