"""Files that nothing in the database needs: what crashes and refused uploads left behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

from storage.errors import StorageError
from storage.store import Store, select, write

# An upload is written and entered within seconds. A day leaves time to put back a database
# that somebody restored by mistake from an older copy, before its newer images are swept.
DEFAULT_AGE_S = 24 * 3600.0
# Long enough to notice that a removed model was a loss; its weights are the largest files here.
REMOVED_MODEL_AGE_S = 30 * 24 * 3600.0
_NEEDED_WEIGHTS = "SELECT sha256 FROM model WHERE removed IS NULL OR removed > :kept_since"


def remove_orphans(store: Store, older_than_s: float = DEFAULT_AGE_S) -> list[Path]:
    """Return the files that were deleted: unfinished ones, and those that no row names.

    Pages that were removed (undoably) keep their files; the weights of removed models go after
    REMOVED_MODEL_AGE_S. To be called once at start.

    older_than_s: younger files stay; another process may be about to enter them.

    Raises:
        StorageError: a file cannot be deleted.
    """
    before = store.clock().timestamp() - older_than_s
    images = _names(store, "SELECT sha256 FROM page UNION SELECT sha256 FROM page_turn")
    weights = _names(store, _NEEDED_WEIGHTS, {"kept_since": _kept_since(store)})
    suspects = [path for path in _stored_files(store) if _is_older(path, before)]
    suspects = [path for path in suspects if path.stem not in images | weights]
    removed = []
    try:
        for path in suspects:
            # An upload of the same content renews the file's time and enters its row under this
            # lock, so that here it is either seen or will find the file gone and write it again.
            with write(store):
                if _is_older(path, before) and not _is_named(store, path):
                    path.unlink()
                    removed.append(path)
        for path in (store.data_dir / "tmp").iterdir():
            if path.is_file() and _is_older(path, before):
                path.unlink(missing_ok=True)
                removed.append(path)
    except OSError as error:
        raise StorageError(
            f"{error.filename} is not used any more but cannot be deleted: {error.strerror}. "
            "Check who owns the data folder."
        ) from error
    return removed


def _stored_files(store: Store) -> Iterator[Path]:
    yield from (store.data_dir / "images").glob("??/*")
    yield from (store.data_dir / "thumbnails").glob("??/*")
    yield from (store.data_dir / "models").glob("*.safetensors")


def _is_older(path: Path, before: float) -> bool:
    try:
        return path.is_file() and path.stat().st_mtime < before
    except FileNotFoundError:  # swept by another process
        return False


def _is_named(store: Store, path: Path) -> bool:
    return bool(
        select(
            store,
            f"""SELECT 1 FROM page WHERE sha256 = :sha256
            UNION ALL SELECT 1 FROM page_turn WHERE sha256 = :sha256
            UNION ALL SELECT 1 FROM ({_NEEDED_WEIGHTS}) WHERE sha256 = :sha256 LIMIT 1""",
            {"sha256": path.stem, "kept_since": _kept_since(store)},
        )
    )


def _names(store: Store, sql: str, values: Mapping[str, Any] | None = None) -> set[str]:
    return {str(row["sha256"]) for row in select(store, sql, values)}


def _kept_since(store: Store) -> str:
    """Return the time before which a model must have been removed for its weights to go."""
    since = store.clock().astimezone(UTC) - timedelta(seconds=REMOVED_MODEL_AGE_S)
    return since.isoformat(timespec="microseconds")
