"""Bringing projects in: what the screens ask of imports, and the files that browsers send."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

import storage
from services.importer import Importer, ImportState
from services.services import Services
from ui.answers import Answer, RequestError, answers, author_of, number, optional_number, string
from ui.receiving import Refused, file_name, receive_file

MAX_ADDRESS = 2000  # characters


def import_functions(services: Services) -> list[Callable[..., Answer]]:
    """Return the server functions of imports, for the places that show them."""
    importer = services.importer

    @answers
    def imports(data: dict) -> Answer:
        states = importer.shown(optional_number(data, "document"))
        return {"imports": [_view(importer, state) for state in states]}

    @answers
    def new_import(data: dict) -> Answer:
        return {"token": importer.begin()}

    @answers
    def look_import(data: dict, request: gr.Request) -> Answer:
        author = author_of(request, services.settings.author)
        run = importer.look(string(data, "token"), optional_number(data, "document"), author)
        return {"run": run.id}

    @answers
    def look_address(data: dict, request: gr.Request) -> Answer:
        address = string(data, "address").strip()
        if not address.startswith(("http://", "https://")) or len(address) > MAX_ADDRESS:
            raise RequestError("The address of a manifest begins with https:// or http://.")
        author = author_of(request, services.settings.author)
        token = importer.begin()
        run = importer.look(token, optional_number(data, "document"), author, address)
        return {"run": run.id}

    @answers
    def take_import(data: dict, request: gr.Request) -> Answer:
        run = importer.take(
            number(data, "run"),
            string(data, "by"),
            _flag(data, "partly"),
            _flag(data, "read"),
            author_of(request, services.settings.author),
        )
        return {"run": run.id}

    @answers
    def cancel_import(data: dict) -> Answer:
        return {"state": importer.cancel(number(data, "run")).state}

    @answers
    def forget_import(data: dict) -> Answer:
        importer.forget(number(data, "run"))
        return {"forgotten": True}

    @answers
    def import_result(data: dict) -> Answer:
        run = storage.run(services.store, number(data, "run"))
        return {"state": run.state, "message": run.message, "result": run.result}

    return [imports, new_import, look_import, look_address, take_import, cancel_import,
            forget_import, import_result]  # fmt: skip


def add_import_routes(app: FastAPI, services: Services) -> None:
    """Let `app` take in the files of an import."""
    importer, limit_mb = services.importer, services.settings.max_import_mb

    @app.post("/files/imports/{token}")
    async def add_import_file(token: str, request: Request) -> JSONResponse:
        name = file_name(request)
        if not name:
            return JSONResponse({"message": "The file has no name."}, 400)
        path = None
        try:
            path, left_mb = await run_in_threadpool(importer.place_for, token)
            await receive_file(request, path, name, left_mb, _limit_words(limit_mb))
            await run_in_threadpool(importer.add_file, token, name, path)
        except Refused as refused:
            return JSONResponse({"message": str(refused)}, refused.status)
        except storage.StorageError as error:
            return JSONResponse({"message": str(error)}, 409)
        finally:
            if path is not None:
                path.unlink(missing_ok=True)
        return JSONResponse({"message": ""})


def _limit_words(limit_mb: int) -> str:
    return f"what is left of the {limit_mb:,} MB that HTR_MAX_IMPORT_MB allows one import"


def _view(importer: Importer, state: ImportState) -> Answer:
    """Return an import as the screens show it."""
    look, take = state.look, state.take
    run = take if take is not None else look
    step = "look" if take is None else "take"
    return {
        "run": run.id,
        "look": look.id,
        "step": step,
        "state": run.state,
        "progress": run.progress,
        "phase": run.phase,
        "message": run.message,
        "found": look.result,
        "result": take.result if take is not None else None,
        "undone": take is not None and take.state == "failed" and importer.was_undone(take),
    }


def _flag(data: Any, name: str) -> bool:
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, bool):
        raise RequestError(f"The request does not say {name}. Reload this page.")
    return value
