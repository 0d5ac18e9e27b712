"""Models: which recognition models there are, where their weights lie, and which one is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from storage.errors import NotFound, StorageError
from storage.files import check_file, check_name, copy_file, sha256_of, write_file
from storage.records import Model
from storage.rows import Row, to_json
from storage.store import Store, select, write
from storage.texts import clean_label


def register_model(
    store: Store,
    file: Path | bytes,
    name: str,
    alphabet: Sequence[str],
    scores: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    parent_id: int | None = None,
) -> Model:
    """Return the model whose safetensors file was copied into the data folder.

    A file that is registered already is found by its content, and its model returned unchanged.
    The new model is not in use before `set_current_model`.

    Raises:
        StorageError: the file cannot be read, or a value cannot be stored.
        NotFound: there is no model `parent_id`.
    """
    sha256 = _put_file(store, file)
    values = {
        "name": clean_label(name, "The name of the model"),
        "parent_id": parent_id,
        "sha256": sha256,
        "alphabet": to_json(list(alphabet), "The model's alphabet"),
        "scores": to_json(dict(scores or {}), "The model's scores"),
        "facts": to_json(dict(facts or {}), "The model's facts"),
        "created": store.now(),
        "current": 0,
    }
    with write(store) as db:
        if not weights_path(store, sha256).exists():  # swept between the copy and this moment
            _put_file(store, file)
        if parent_id is not None:
            model(store, parent_id)
        known = db.execute("SELECT id FROM model WHERE sha256 = ?", (sha256,)).fetchone()
        model_id = known[0] if known else db.table("model").insert(values).last_rowid
    return model(store, int(model_id or 0))


def models(store: Store) -> list[Model]:
    """Return all models, oldest first."""
    return [
        _from_row(Row("model", row)) for row in select(store, "SELECT * FROM model ORDER BY id")
    ]


def model(store: Store, model_id: int) -> Model:
    """Return a model.

    Raises:
        NotFound: there is none with this number.
    """
    rows = select(store, "SELECT * FROM model WHERE id = :id", {"id": model_id})
    if not rows:
        raise NotFound(f"There is no model {model_id}. Reload the list of models.")
    return _from_row(Row("model", rows[0]))


def current_model(store: Store) -> Model | None:
    """Return the model in use; None before the first was set."""
    rows = select(store, "SELECT * FROM model WHERE current = 1")
    return _from_row(Row("model", rows[0])) if rows else None


def set_current_model(store: Store, model_id: int) -> Model:
    """Return the model that is in use from now on, for promotion and for going back alike.

    Raises:
        NotFound: there is none with this number; the one in use stays.
        StorageError: its file is missing; the one in use stays.
    """
    with write(store) as db:
        model_path(store, model(store, model_id))
        db.execute("UPDATE model SET current = 0 WHERE current = 1 AND id <> ?", (model_id,))
        db.execute("UPDATE model SET current = 1 WHERE id = ?", (model_id,))
    return model(store, model_id)


def model_path(store: Store, model: Model) -> Path:
    """Return where the model's safetensors file lies.

    Raises:
        StorageError: it does not lie there any more.
    """
    path = weights_path(store, model.sha256)
    if not path.is_file():
        raise StorageError(
            f"The weights of model {model.id} ({model.name}) are missing: {path}. "
            "Restore the folder 'models' from a backup, or choose another model."
        )
    return path


def verify_model(store: Store, model: Model) -> None:
    """Compare the model's file with its SHA-256.

    Raises:
        StorageError: the file is missing.
        DamagedDatabase: its content has changed.
    """
    check_file(model_path(store, model), model.sha256)


def weights_path(store: Store, sha256: str) -> Path:
    """Return the path that weights of this content have, whether they are there or not."""
    check_name(sha256, "safetensors")
    return store.data_dir / "models" / f"{sha256}.safetensors"


def _put_file(store: Store, file: Path | bytes) -> str:
    tmp_dir = store.data_dir / "tmp"
    if isinstance(file, bytes):
        sha256 = sha256_of(file)
        write_file(weights_path(store, sha256), file, tmp_dir)
        return sha256
    return copy_file(file, lambda sha256: weights_path(store, sha256), tmp_dir)


def _from_row(row: Row) -> Model:
    return Model(
        id=row.integer("id"),
        name=row.text("name"),
        parent_id=row.optional_integer("parent_id"),
        sha256=row.text("sha256"),
        alphabet=row.texts("alphabet"),
        scores=row.mapping("scores"),
        facts=row.mapping("facts"),
        created=row.time("created"),
        current=bool(row.integer("current")),
    )
