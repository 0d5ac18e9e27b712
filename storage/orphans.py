"""Files that nothing in the database needs: what crashes and refused uploads left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from storage.errors import StorageError
from storage.store import Store, select, write

# An upload is written and entered within seconds. A day leaves time to put back a database
# that somebody restored by mistake from an older copy, before its newer images are swept.
DEFAULT_AGE_S = 24 * 3600.0


def remove_orphans(store: Store, older_than_s: float = DEFAULT_AGE_S) -> list[Path]:
    """Return the files that were deleted: unfinished ones, and those that no row names.

    Pages that were removed (undoably) keep their files. To be called once at start.

    older_than_s: younger files stay; another process may be about to enter them.

    Raises:
        StorageError: a file cannot be deleted.
    """
    before = store.clock().timestamp() - older_than_s
    images = _names(store, "SELECT DISTINCT sha256 FROM page")
    weights = _names(store, "SELECT sha256 FROM model")
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
            """SELECT 1 FROM page WHERE sha256 = :sha256
            UNION ALL SELECT 1 FROM model WHERE sha256 = :sha256 LIMIT 1""",
            {"sha256": path.stem},
        )
    )


def _names(store: Store, sql: str) -> set[str]:
    return {str(row["sha256"]) for row in select(store, sql)}
