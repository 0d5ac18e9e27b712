"""The whole data folder as a file for whoever may use the app."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, Response, StreamingResponse

import storage
from services.services import Services

LOG = logging.getLogger("htr.backup")


def add_backup_route(app: FastAPI, services: Services) -> None:
    """Let `app` hand out a backup, made while it is sent."""
    store = services.store

    @app.get("/files/backup.zip")
    def backup_file() -> Response:
        made = storage.Backup()
        pieces = storage.backup_pieces(store, made)
        try:
            first = next(pieces)  # the database is copied and checked before anything is sent
        except storage.StorageError as error:
            return PlainTextResponse(str(error), 409)
        name = f"htr-backup-{store.now()[:10]}.zip"
        return StreamingResponse(
            _told(itertools.chain([first], pieces), made),
            media_type="application/zip",
            headers={
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
                "Content-Disposition": f'attachment; filename="{name}"',
            },
        )


def _told(pieces: Iterator[bytes], made: storage.Backup) -> Iterator[bytes]:
    """Yield the pieces; the log says what the backup lacks, and that it is whole."""
    yield from pieces
    for damage in made.damaged:
        LOG.warning("in the backup: %s", damage)
    LOG.info("backup: %d files, %d bytes", made.files, made.size_bytes)
