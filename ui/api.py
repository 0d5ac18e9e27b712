"""The app for programs: named endpoints to hand in pages and get text and files back.

They are reached with `gradio_client`, by plain HTTP, and as MCP tools where HTR_MCP is on. Their
descriptions are what programs, and people who write them, see; so are the names of the arguments.
"""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

import storage
from exchange import ExchangeError
from segmentation.lines import SegmentationError
from services.export_formats import FORMATS
from services.export_order import read_order
from services.services import Services

ENDPOINTS = ("documents", "export", "formats", "page_text", "pages", "read_page")
POLL_S = 0.1
LONGEST_WAIT_S = 3600.0
AT_ONCE = 8  # callers of one endpoint who may wait at the same time
UNDER_WAY = ("waiting", "reading")


def add_endpoints(services: Services) -> None:
    """Add the endpoints to the blocks that are being built; they show nothing on the screen."""
    for function in (_documents, _pages, _page_text, _formats):
        endpoint = _told(functools.partial(function, services), function)
        gr.api(endpoint, api_name=endpoint.__name__, concurrency_limit=AT_ONCE)
    # Files need components: these check that a path is one that the caller has handed in.
    _add(
        _told(functools.partial(_read_page, services), _read_page),
        [gr.File(visible=False), _number(0), _text(""), _number(300)],
        gr.JSON(visible=False),
    )
    _add(
        _told(functools.partial(_export, services), _export),
        [_text("txt"), _text("document"), _number(0), _text("best"),
         gr.Checkbox(visible=False, value=False)],
        gr.File(visible=False),
    )  # fmt: skip


def _add(function: Callable[..., Any], inputs: Sequence[Any], output: Any) -> None:
    gr.Button(visible=False).click(
        function,
        list(inputs),
        output,
        api_name=function.__name__,
        concurrency_limit=AT_ONCE,
        show_progress="hidden",
    )


def _number(value: int) -> gr.Number:
    return gr.Number(value=value, precision=0, visible=False)


def _text(value: str) -> gr.Textbox:
    return gr.Textbox(value=value, visible=False)


def _told(call: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function`, its services given, with the app's errors as errors that callers see."""

    def told(*arguments: Any, **named: Any) -> Any:
        try:
            return call(*arguments, **named)
        except (storage.StorageError, ExchangeError, SegmentationError) as error:
            raise gr.Error(str(error)) from error

    functools.update_wrapper(told, function)
    told.__name__ = function.__name__.lstrip("_")  # MCP names the tool by it
    signature = inspect.signature(function, eval_str=True)
    parameters = [one for name, one in signature.parameters.items() if name != "services"]
    told.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    told.__annotations__ = {one.name: one.annotation for one in parameters}
    told.__annotations__["return"] = signature.return_annotation
    del told.__wrapped__  # type: ignore[attr-defined]  # or its signature would count
    return told


def _documents(services: Services) -> list[dict]:
    """List the documents, last changed first, with how many pages and lines they have."""
    return [
        {
            "document": summary.document.id,
            "title": summary.document.title,
            "project": summary.document.project,
            "pages": summary.pages,
            "lines": summary.lines,
            "checked": summary.corrected + summary.confirmed,
        }
        for summary in storage.documents(services.store)
    ]


def _pages(services: Services, document: int) -> list[dict]:
    """List the pages of a document in their order, and whether they have been read.

    Args:
        document: number of the document, as `documents` tells it
    """
    found = storage.document(services.store, document)
    return [_page_view(one.page) for one in storage.pages_of(services.store, found.id)]


def _page_text(services: Services, page: int, text: str = "best") -> dict:
    """Get the text of a page, line by line in reading order.

    Args:
        page: number of the page, as `pages` or `read_page` tells it
        text: "best" (what people wrote, else the machine's), "machine" or "human"
    """
    from services.export_pages import select_pages

    order = read_order({"format": "jsonl", "scope": "page", "number": page, "text": text})
    (document,) = select_pages(services.store, order).documents
    (found,) = document
    lines = [
        {"line": int(line.id.rpartition("_")[2]), "text": line.text, "status": line.status,
         "confidence": line.confidence}
        for line in found.written.lines
    ]  # fmt: skip
    whole = "\n".join(line.text for line in found.written.lines)
    return {**_page_view(found.page), "text": whole, "lines": lines}


def _formats(services: Services) -> list[dict]:
    """List the formats that `export` writes, and what each is good for."""
    return [
        {"format": key, "name": form.name, "about": form.about, "images": form.images}
        for key, form in FORMATS.items()
    ]


def _read_page(
    services: Services, file: str, document: int = 0, title: str = "", wait_s: float = 300
) -> dict:
    """Put a page into the app, have it read, and get its text.

    Args:
        file: image of the page (JPEG, PNG, WebP, TIFF), or a PDF; more than one page is fine
        document: number of the document that it goes into; 0 makes a new one
        title: of the new document; the name of the file if it is empty
        wait_s: how long to wait for the reading, in seconds; `page_text` gets the text later
    """
    path = Path(file or "")
    if not file or not path.is_file():
        raise storage.StorageError("There is no file. Hand in an image or PDF as `file`.")
    document = int(document)
    if not document:
        document = storage.add_document(services.store, title or path.stem).id
    upload = services.add_file(document, path.name, path.read_bytes())
    until = time.monotonic() + min(max(0.0, wait_s), LONGEST_WAIT_S)
    ids = [page.id for page in upload.pages]
    while time.monotonic() < until and any(
        storage.page(services.store, page_id).state in UNDER_WAY for page_id in ids
    ):
        time.sleep(POLL_S)
    pages = [_page_text(services, page_id) for page_id in ids]
    return {"document": document, "pages": pages, "message": upload.message}


def _export(
    services: Services,
    format: str,
    scope: str = "document",
    number: int = 0,
    text: str = "best",
    images: bool = False,
) -> str:
    """Get pages as a file in any format that `formats` lists.

    Args:
        format: for example "page", "alto", "tei", "pdf", "docx" or "txt"
        scope: "line", "page", "document", or "library" for everything
        number: of the line, page or document; 0 for the library
        text: "best" (what people wrote, else the machine's), "machine" or "human"
        images: whether the page images come along, in a zip archive
    """
    order = read_order(
        {"format": format, "scope": scope, "number": int(number), "text": text, "images": images}
    )
    run = services.exporter.order(order)
    while run.state in ("waiting", "running"):
        time.sleep(POLL_S)
        run = services.exporter.export(run.id)
    if run.state != "done":
        raise storage.StorageError(run.message or "The export was cancelled.")
    return str(services.exporter.file(run.id)[0])


def _page_view(page: storage.Page) -> dict[str, Any]:
    return {
        "page": page.id,
        "document": page.document_id,
        "name": page.name,
        "state": page.state,
        "message": page.message,
    }
