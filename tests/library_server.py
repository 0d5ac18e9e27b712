"""A library with manifests on this computer, for tests."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str], bytes]


class Library:
    """Answers by path; `asked` are the paths in the order in which they were asked for."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.address = ""

    def put(
        self, path: str, body: bytes | dict[str, Any], status: int = 200, **headers: str
    ) -> str:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers[path] = (status, headers, data)
        return self.address + path


@contextmanager
def library_server() -> Iterator[Library]:
    library = Library()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            library.asked.append(self.path)
            status, headers, data = library.answers.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            if "Content_Length" not in headers:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    library.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield library
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def manifest_2(library: Library, images: dict[str, bytes]) -> dict[str, Any]:
    """A manifest of version 2 whose images have services, and put them there."""
    canvases = []
    for name, data in images.items():
        service = f"{library.address}/iiif/{name}"
        library.put(f"/iiif/{name}/full/full/0/default.jpg", data)
        canvases.append({
            "@type": "sc:Canvas", "label": name,
            "images": [{"@type": "oa:Annotation", "resource": {
                "@id": f"{service}/full/!200,200/0/default.jpg", "@type": "dctypes:Image",
                "service": {"@context": "http://iiif.io/api/image/2/context.json",
                            "@id": service, "profile": "http://iiif.io/api/image/2/level2.json"},
            }}],
        })  # fmt: skip
    return {
        "@context": "http://iiif.io/api/presentation/2/context.json", "@type": "sc:Manifest",
        "label": {"@value": "Registre <b>1692</b>", "@language": "fr"},
        "sequences": [{"@type": "sc:Sequence", "canvases": canvases}],
    }  # fmt: skip


def manifest_3(library: Library, images: dict[str, bytes]) -> dict[str, Any]:
    """A manifest of version 3: the first image has a service, the others are plain files."""
    items = []
    for number, (name, data) in enumerate(images.items()):
        body: dict[str, Any] = {"id": f"{library.address}/files/{name}.jpg", "type": "Image"}
        if number == 0:
            service = f"{library.address}/iiif/{name}"
            library.put(f"/iiif/{name}/full/max/0/default.jpg", data)
            body["service"] = [{"id": service, "type": "ImageService3", "profile": "level1"}]
        else:
            library.put(f"/files/{name}.jpg", data)
        items.append({
            "id": f"{library.address}/canvas/{name}", "type": "Canvas", "label": {"none": [name]},
            "items": [{"type": "AnnotationPage", "items": [
                {"type": "Annotation", "motivation": "painting", "body": body}]}],
        })  # fmt: skip
    return {
        "@context": "http://iiif.io/api/presentation/3/context.json", "type": "Manifest",
        "id": f"{library.address}/manifest", "label": {"en": ["Letters of Ann"]}, "items": items,
    }  # fmt: skip
