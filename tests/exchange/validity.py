"""Schemas that written files have to be valid for: our statement of them, and the whole ones."""

from __future__ import annotations

import importlib.util
import os
from functools import cache
from pathlib import Path

from lxml import etree

PARTS = Path(__file__).parent / "schemas"


@cache
def schemas(kind: str) -> tuple[etree.XMLSchema, ...]:
    """Return the schemas for "page" or "alto" that are to be had here, ours first."""
    part = {"page": "page-2019-part.xsd", "alto": "alto-4-4-part.xsd"}[kind]
    paths = [PARTS / part]
    named = os.environ.get(f"{kind.upper()}_XSD")
    paths += [Path(named)] if named else []
    package = importlib.util.find_spec("ocrd_validators") if kind == "page" else None
    for folder in (package.submodule_search_locations or ()) if package is not None else ():
        paths.append(Path(folder) / "page.xsd")
    return tuple(etree.XMLSchema(etree.parse(str(path))) for path in paths if path.exists())


def check(kind: str, data: bytes) -> None:
    """Raise with the place and the reason if the file is not valid for one of the schemas."""
    root = etree.fromstring(data)
    for schema in schemas(kind):
        schema.assertValid(root)
