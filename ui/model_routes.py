"""Model files out of the app and into it."""

from __future__ import annotations

import urllib.parse
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.concurrency import run_in_threadpool

import storage
from htr.errors import RecognitionError
from services.services import Services

MODEL_LIMIT_MB = 2000  # a published checkpoint with its optimizer takes about 1 GB
WRITE_AT_ONCE_BYTES = 1 << 20


class _Refused(Exception):
    """The file cannot come in; `status` of the answer and the sentence that says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def add_model_routes(app: FastAPI, services: Services) -> None:
    """Let `app` hand out models as files and take them in."""
    limit_mb = max(MODEL_LIMIT_MB, services.settings.max_upload_mb)
    shelf = services.model_shelf

    @app.get("/files/models/{model_id}.safetensors")
    def model_file(model_id: int) -> Response:
        try:
            path, name = shelf.export(model_id)
        except storage.StorageError as error:
            raise HTTPException(404, str(error)) from error
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return FileResponse(
            path, headers=headers, filename=name, media_type="application/octet-stream"
        )

    @app.post("/files/models")
    async def add_model(request: Request) -> JSONResponse:
        # The name's own header makes this no "simple request": another site cannot send files here.
        name = urllib.parse.unquote(request.headers.get("x-file-name", ""))[:300]
        if not name:
            return JSONResponse({"model": None, "message": "The file has no name."}, 400)
        with shelf.upload() as path:
            try:
                await _receive(request, path, name, limit_mb)
                done = await run_in_threadpool(shelf.add_file, path, name)
            except _Refused as refused:
                return JSONResponse({"model": None, "message": str(refused)}, refused.status)
            except (RecognitionError, storage.StorageError) as error:
                return JSONResponse({"model": None, "message": str(error)}, 409)
        return JSONResponse({"model": done.model.id, "message": "", "note": done.message})


async def _receive(request: Request, path: Path, name: str, limit_mb: int) -> None:
    """Write what arrives to the disk, piece by piece."""
    size, waiting = 0, bytearray()
    try:
        with path.open("xb") as file:
            async for piece in request.stream():
                size += len(piece)
                if size > limit_mb * 1_000_000:
                    words = f"{name} is larger than {limit_mb:,} MB, the limit for model files."
                    raise _Refused(413, words)
                waiting += piece
                if len(waiting) >= WRITE_AT_ONCE_BYTES:
                    await run_in_threadpool(file.write, bytes(waiting))
                    waiting.clear()
            await run_in_threadpool(file.write, bytes(waiting))
    except OSError as error:
        words = f"{name} could not be stored: {error.strerror}. Check the free space of the disk."
        raise _Refused(507, words) from error
