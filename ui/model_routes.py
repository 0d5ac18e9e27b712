"""Model files out of the app and into it."""

from __future__ import annotations

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.concurrency import run_in_threadpool

import storage
from htr.errors import RecognitionError
from services.services import Services
from ui.receiving import Refused, file_name, receive_file

MODEL_LIMIT_MB = 2000  # a published checkpoint with its optimizer takes about 1 GB


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
        name = file_name(request)
        if not name:
            return JSONResponse({"model": None, "message": "The file has no name."}, 400)
        with shelf.upload() as path:
            try:
                await receive_file(request, path, name, limit_mb, "the limit for model files")
                done = await run_in_threadpool(shelf.add_file, path, name)
            except Refused as refused:
                return JSONResponse({"model": None, "message": str(refused)}, refused.status)
            except (RecognitionError, storage.StorageError) as error:
                return JSONResponse({"model": None, "message": str(error)}, 409)
        return JSONResponse({"model": done.model.id, "message": "", "note": done.message})
