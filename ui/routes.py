"""The web server around the screens: images of pages and lines, files in, files out, sign-in."""

from __future__ import annotations

import hmac
import urllib.parse
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
)
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

import storage
from segmentation.lines import SegmentationError
from services.services import Services, line_version
from training.errors import TrainingError
from training.run_folder import run_folder
from ui.answers import credentials
from ui.backup_route import add_backup_route
from ui.exports import add_export_routes
from ui.imports import add_import_routes
from ui.model_routes import add_model_routes
from ui.static_files import STATIC

# Files are named by their content, so a browser may keep them for good.
FOR_GOOD = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
}
CHECK_AGAIN = {"Cache-Control": "private, max-age=60", "X-Content-Type-Options": "nosniff"}
# A report carries all it needs; whatever else it might ask for is not let through.
SEALED = {
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}
MEDIA_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}


class SignIn:
    """ASGI middleware that lets only the given users in, by HTTP Basic authentication.

    Basic, since a browser sends it again by itself after the server was restarted: an open editor
    goes on saving.
    """

    def __init__(self, app: ASGIApp, users: Mapping[str, str]) -> None:
        """Guard `app`; `users` maps names to passwords."""
        self._app = app
        self._users = users

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] not in ("http", "websocket") or self._allows(scope):
            await self._app(scope, receive, send)
            return
        answer = PlainTextResponse(
            "Sign in to use HTR Desk.", 401, {"WWW-Authenticate": 'Basic realm="HTR Desk"'}
        )
        await answer(scope, receive, send)

    def _allows(self, scope: Scope) -> bool:
        header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        name, password = credentials(header)
        expected = self._users.get(name)
        given = password.encode()
        # Compared even for an unknown name, so that the time taken does not tell which names exist.
        same = hmac.compare_digest(given, (expected if expected is not None else "").encode())
        return same and expected is not None


def build_routes(services: Services) -> FastAPI:
    """Return the web app of everything but the screens, which are mounted onto it."""
    app = FastAPI(title="HTR Desk", docs_url=None, redoc_url=None, openapi_url=None)
    _add_fonts(app)
    _add_images(app, services)
    _add_files(app, services)
    add_model_routes(app, services)
    add_export_routes(app, services)
    add_import_routes(app, services)
    add_backup_route(app, services)
    _add_reports(app, services)
    return app


def _add_fonts(app: FastAPI) -> None:
    @app.get("/files/fonts/junicode.woff2")
    def medieval_font() -> Response:
        path = STATIC / "fonts" / "junicode.woff2"
        return FileResponse(path, headers=FOR_GOOD, media_type="font/woff2")


def _add_images(app: FastAPI, services: Services) -> None:
    store = services.store

    @app.get("/files/pages/{page_id}/{version}/image")
    def page_image(page_id: int, version: str) -> Response:
        page = _found(storage.page, store, page_id)
        path = storage.page_image_path(store, page)
        return FileResponse(path, headers=FOR_GOOD, media_type=MEDIA_TYPES[page.suffix])

    @app.get("/files/pages/{page_id}/thumbnail")
    def page_thumbnail(page_id: int) -> Response:
        page = _found(storage.page, store, page_id)
        path = storage.thumbnail_path(store, page)
        if path is None or not path.is_file():
            raise HTTPException(404, "This page has no thumbnail.")
        return FileResponse(path, headers=CHECK_AGAIN, media_type="image/webp")

    @app.get("/files/lines/{line_id}/{version}.webp")
    def line_image(line_id: int, version: str) -> Response:
        line = _found(storage.line_text, store, line_id).line
        try:
            image = services.line_image(line)
        except SegmentationError as error:
            raise HTTPException(404, str(error)) from error
        headers = FOR_GOOD if version == line_version(line) else CHECK_AGAIN
        return Response(image, headers=headers, media_type="image/webp")


def _add_files(app: FastAPI, services: Services) -> None:
    limit_mb = services.settings.max_upload_mb

    @app.post("/files/documents/{document_id}")
    async def add_file(document_id: int, request: Request) -> JSONResponse:
        # The name's own header makes this no "simple request": another site cannot send files here.
        name = urllib.parse.unquote(request.headers.get("x-file-name", ""))[:300]
        if not name:
            return JSONResponse({"pages": [], "message": "The file has no name."}, 400)
        data = bytearray()
        async for piece in request.stream():
            data += piece
            if len(data) > limit_mb * 1_000_000:
                words = f"{name} is larger than {limit_mb} MB, the limit set by HTR_MAX_UPLOAD_MB."
                return JSONResponse({"pages": [], "message": words}, 413)
        try:
            upload = await run_in_threadpool(services.add_file, document_id, name, bytes(data))
        except storage.StorageError as error:
            return JSONResponse({"pages": [], "message": str(error)}, 409)
        return JSONResponse(
            {"pages": [page.id for page in upload.pages], "message": upload.message}
        )


def _add_reports(app: FastAPI, services: Services) -> None:
    @app.get("/files/runs/{run_id}/lines/{key}.png")
    def run_line_image(run_id: int, key: str) -> Response:
        from training.frozen_lines import line_image

        run = _found(storage.run, services.store, run_id)
        try:
            image = line_image(run_folder(services.store.data_dir, run.id).snapshot, key)
        except TrainingError as error:  # a key that is none, or a file that is none
            raise HTTPException(404, "This run has no image of this line.") from error
        return Response(image, headers=CHECK_AGAIN, media_type="image/png")

    @app.get("/files/runs/{run_id}/report.html")
    def run_report(run_id: int) -> Response:
        try:
            report = services.trainer.report_html(run_id)
        except (storage.StorageError, TrainingError) as error:
            raise HTTPException(404, str(error)) from error
        named = f'attachment; filename="training-{run_id}.html"'
        return HTMLResponse(report, headers={**SEALED, "Content-Disposition": named})


def _found(question: Any, store: storage.Store, identity: int) -> Any:
    """Return what `question` finds; a 404 where there is nothing."""
    try:
        return question(store, identity)
    except storage.StorageError as error:
        raise HTTPException(404, str(error)) from error
