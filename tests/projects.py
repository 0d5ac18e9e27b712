"""Whole projects to import, small and drawn by the tests."""

from __future__ import annotations

import io
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import storage
from exchange import PageDocument, Region, Tag, TextLine, write_bundle
from services.importer import Importer
from services.settings import Settings, read_settings
from synthesis.example import encode_png

NOW = datetime(2026, 1, 31, tzinfo=UTC)
WIDTH, HEIGHT = 400, 300
LIMIT_S = 60.0


def settings(folder: Path, **environment: str) -> Settings:
    return read_settings({"HTR_DATA_DIR": str(folder), "HTR_AUTHOR": "ada", **environment})


def image(shade: int = 250, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """A PNG that is not like that of another shade."""
    import numpy as np

    pixels = np.full((height, width, 3), shade % 256, np.uint8)
    pixels[:4, :4] = shade // 256
    return encode_png(pixels)


def described(number: int, lines: int = 3) -> PageDocument:
    """A page with regions, types, tags and text, as a file might describe it."""
    regions = (
        Region("main", ((10, 10), (390, 10), (390, 290), (10, 290)), "MainZone"),
        Region("side", ((300, 10), (390, 10), (390, 290), (300, 290)), "MarginTextZone:note"),
    )
    made = tuple(
        TextLine(
            id=f"line-{index}",
            baseline=((20.0, 50.0 + 60 * index), (280.0, 52.0 + 60 * index)),
            polygon=((20, 20 + 60 * index), (280, 20 + 60 * index), (280, 60 + 60 * index)),
            text=f"page {number} line {index} œuvre",
            kind="DefaultLine" if index else "HeadingLine:title",
            region_id="main" if index < lines - 1 else "side",
            tags=(Tag("person", (("offset", "5"), ("length", "2"))),) if index == 1 else (),
        )
        for index in range(lines)
    )
    return PageDocument(f"scan {number}.png", WIDTH, HEIGHT, made, regions)


def project_zip(
    folder: Path, pages: int = 3, layout: str = "page", title: str = "Box 12", images: bool = True
) -> Path:
    """A zip archive of a project, with a METS file."""
    files = []
    for number in range(1, pages + 1):
        path = folder / f"scan {number}.png"
        path.write_bytes(image(number))
        files.append((described(number), path if images else None))
    target = folder / "project.zip"
    with target.open("wb") as out:
        write_bundle(out, files, title, NOW, (layout,))
    return target


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def upload(importer: Importer, files: dict[str, bytes | Path]) -> str:
    """The token of an upload of these files, as the route would make it."""
    token = importer.begin()
    for name, data in files.items():
        path, _ = importer.place_for(token)
        path.write_bytes(data if isinstance(data, bytes) else data.read_bytes())
        importer.add_file(token, name, path)
    return token


def ended(store: storage.Store, run: storage.Run) -> storage.Run:
    """The run once the importer is through with it."""
    limit = time.monotonic() + LIMIT_S
    while (found := storage.run(store, run.id)).state in ("waiting", "running"):
        assert time.monotonic() < limit, found
        time.sleep(0.01)
    return found


def imported(
    store: storage.Store,
    importer: Importer,
    files: dict[str, bytes | Path],
    by: str = "human",
    partly: bool = False,
    document_id: int | None = None,
    read: bool = False,
) -> storage.Run:
    """The run that took in all of these files, at its end."""
    looked = ended(store, importer.look(upload(importer, files), document_id, "ada"))
    assert looked.state == "done", looked.message
    return ended(store, importer.take(looked.id, by, partly, read, "ada"))


def pages_in(store: storage.Store) -> list[storage.Page]:
    """All pages that are shown, document after document."""
    found = sorted(storage.documents(store), key=lambda summary: summary.document.id)
    return [
        summary.page
        for document in found
        for summary in storage.pages_of(store, document.document.id)
    ]
