"""What the file that a page came from says beyond what the tables hold, kept for the way out."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

from storage.errors import DamagedDatabase
from storage.rows import to_json
from storage.store import Store, select, write

MAX_ORIGIN_BYTES = 256 * 2**20  # a page with every character's outline has about 10 MiB


def put_origin(store: Store, page_id: int, origin: Mapping[str, Any]) -> None:
    """Keep what a file says of a page, instead of what was kept before.

    Raises:
        StorageError: something that JSON cannot say, or no such page.
    """
    text = to_json(dict(origin), f"What the file says of page {page_id}")
    values = {"page_id": page_id, "origin": zlib.compress(text.encode()), "created": store.now()}
    with write(store) as db:
        db.table("page_origin").insert(values, pk="page_id", replace=True)


def page_origin(store: Store, page_id: int) -> dict[str, Any]:
    """Return what the file that a page came from says of it; empty where nothing is kept.

    Raises:
        DamagedDatabase: it cannot be unpacked, or is no JSON object.
    """
    rows = select(store, "SELECT origin FROM page_origin WHERE page_id = :id", {"id": page_id})
    if not rows:
        return {}
    packed = rows[0]["origin"]
    try:
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(packed, MAX_ORIGIN_BYTES)
        origin = json.loads(data) if unpacking.eof else None
    except (TypeError, ValueError, RecursionError, zlib.error):
        origin = None
    if not isinstance(origin, dict):
        raise DamagedDatabase(
            f"What is kept of the file of page {page_id} is damaged. Restore the database from a "
            "backup."
        )
    return origin
