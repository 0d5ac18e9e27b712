"""A IIIF manifest (Presentation API 2 or 3) -> its pages, each with the addresses of its image.

Source: IIIF Presentation API 2.1 and 3.0, Image API 2.1 and 3.0 (iiif.io).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from exchange.errors import ExchangeError

MAX_CANVASES = 5000
MAX_MANIFEST_BYTES = 32 << 20
MAX_LABEL = 300
MAX_ADDRESS = 2000


@dataclass(frozen=True)
class ManifestPage:
    """One page: its label, and where its image is, the best address first."""

    label: str
    images: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """A document on a server. problems: pages without an image, one message each."""

    title: str
    pages: tuple[ManifestPage, ...]
    problems: tuple[str, ...]


def read_manifest(data: bytes, address: str) -> Manifest:
    """Return the pages of a manifest; `address` is said in messages.

    Raises: ExchangeError for what is no manifest, has no page, or more than MAX_CANVASES.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ExchangeError(
            f"{address} is no IIIF manifest: it is no JSON. Use the address of the manifest "
            "itself, which ends in manifest.json at most libraries."
        ) from error
    kind = _kind(value)
    if kind == "collection":
        raise ExchangeError(
            f"{address} is a collection of manifests. Use the address of one of them."
        )
    if kind != "manifest":
        raise ExchangeError(f"{address} is no IIIF manifest: it says that it is {kind[:60]!r}.")
    pages, problems = [], []
    for number, canvas in enumerate(_canvases(value), start=1):
        if number > MAX_CANVASES:
            raise ExchangeError(f"{address} has more than {MAX_CANVASES:,} pages, the limit.")
        label = _label(canvas.get("label")) or f"page {number}"
        images = tuple(dict.fromkeys(_images(canvas)))
        if images:
            pages.append(ManifestPage(label, images))
        else:
            problems.append(f"Page {number} ({label}) has no image.")
    if not pages:
        raise ExchangeError(f"{address} has no page with an image.")
    return Manifest(_label(value.get("label")), tuple(pages), tuple(problems))


def _kind(value: Any) -> str:
    if not isinstance(value, dict):
        return "no object"
    kind = value.get("type") or value.get("@type")
    return str(kind).rpartition(":")[2].lower() if isinstance(kind, str) else "nothing"


def _canvases(manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the canvases: `items` of version 3, else those of the first sequence of version 2."""
    items = manifest.get("items")
    if not isinstance(items, list):
        sequences = _objects(manifest.get("sequences"))
        first = next(sequences, {})
        items = first.get("canvases")
    yield from _objects(items)


def _images(canvas: dict[str, Any]) -> Iterator[str]:
    """Yield the addresses of the image that is painted onto a canvas, the largest first."""
    for resource in _resources(canvas):
        for service in _services(resource):
            address = _address(service)
            if address:
                whole = "max" if _is_version_3(service) else "full"
                yield f"{address.rstrip('/')}/full/{whole}/0/default.jpg"
        address = _address(resource)
        if address:
            yield address


def _resources(canvas: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for page in _objects(canvas.get("items")):  # version 3
        for annotation in _objects(page.get("items")):
            if annotation.get("motivation") in (None, "painting", ["painting"]):
                for body in _objects(annotation.get("body")):
                    yield next(_objects(body.get("items")), body)  # the first of a choice
    for annotation in _objects(canvas.get("images")):  # version 2
        for resource in _objects(annotation.get("resource")):
            yield next(_objects(resource.get("default")), resource)


def _services(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for service in _objects(resource.get("service")):
        said = " ".join(
            str(service.get(key, "")) for key in ("type", "@type", "profile", "@context")
        )
        if "image" in said.lower():
            yield service


def _is_version_3(service: dict[str, Any]) -> bool:
    return service.get("type") == "ImageService3" or "image/3/" in str(service.get("@context", ""))


def _address(value: dict[str, Any]) -> str:
    """Return the address of a resource or service, "" if it is none of the web."""
    found = value.get("id") or value.get("@id")
    if not isinstance(found, str) or not found.startswith(("http://", "https://")):
        return ""
    return found if len(found) <= MAX_ADDRESS and " " not in found else ""


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list, or the one object that stands in its place."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            yield item


def _label(value: Any) -> str:
    """Return a label of either version: a text, a list, an object by language or with @value."""
    while isinstance(value, list | dict):
        if isinstance(value, list):
            value = value[0] if value else ""
        else:
            value = value.get("@value") or next(iter(value.values()), "")
    return " ".join(str(value or "").split())[:MAX_LABEL]
