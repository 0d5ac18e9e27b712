"""Taking pages along: what the export dialog asks of the server, and the files that it gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse, Response

import storage
from services.export_formats import FORMATS
from services.export_order import read_order
from services.services import Services
from ui.answers import Answer, answers, number

# A file may be a web page with whatever people wrote: it is handed over, never shown here.
HANDED_OVER = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}


def export_functions(services: Services) -> list[Callable[..., Answer]]:
    """Return the server functions that a place with the export dialog needs."""
    exporter = services.exporter

    @answers
    def exports(data: dict) -> Answer:
        return {"formats": formats_view(), "runs": [run_view(run) for run in exporter.newest()]}

    @answers
    def start_export(data: dict) -> Answer:
        return {"run": run_view(exporter.order(read_order(data)))}

    @answers
    def cancel_export(data: dict) -> Answer:
        return {"run": run_view(exporter.cancel(number(data, "run")))}

    return [exports, start_export, cancel_export]


def add_export_routes(app: FastAPI, services: Services) -> None:
    """Let `app` hand out the files of finished exports."""

    @app.get("/files/exports/{run_id}")
    def export_file(run_id: int) -> Response:
        try:
            path, name = services.exporter.file(run_id)
        except storage.StorageError as error:
            raise HTTPException(404, str(error)) from error
        return FileResponse(
            path, headers=HANDED_OVER, filename=name, media_type="application/octet-stream"
        )


def formats_view() -> list[dict[str, Any]]:
    """Return the formats in the order of the dialog."""
    return [
        {
            "key": key,
            "name": form.name,
            "about": form.about,
            "group": form.group,
            "images": form.images,
            "teaches": form.teaches,
        }
        for key, form in FORMATS.items()
    ]


def run_view(run: storage.Run) -> Answer:
    """Return an export as the dialog shows it."""
    result = run.result or {}
    form = FORMATS.get(str(run.settings.get("format")))
    return {
        "run": run.id,
        "state": run.state,
        "title": str(run.settings.get("title", "")),
        "format": form.name if form else "",
        "progress": run.progress,
        "phase": run.phase,
        "message": run.message,
        "file": result.get("file"),
        "bytes": result.get("bytes"),
        "address": f"files/exports/{run.id}" if run.state == "done" else None,
    }
