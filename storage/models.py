"""Models: which recognition models there are, where their weights lie, and which one is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from storage.errors import NotFound, StorageError
from storage.files import check_file, check_name, copy_file, sha256_of, sha256_of_file, write_file
from storage.records import Model, ModelUsage
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

    A file that is registered already is found by its content, and its model returned unchanged,
    restored if it was removed. The new model is not in use before `set_current_model`.

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
        db.execute("UPDATE model SET removed = NULL WHERE id = ?", (model_id,))
    return model(store, int(model_id or 0))


def model_of_file(store: Store, file: Path) -> Model | None:
    """Return the model, in the list or removed, whose weights have the file's content, or None."""
    rows = select(
        store, "SELECT * FROM model WHERE sha256 = :sha256", {"sha256": sha256_of_file(file)}
    )
    return _from_row(Row("model", rows[0])) if rows else None


def models(store: Store, with_removed: bool = False) -> list[Model]:
    """Return the models, oldest first; those that were removed only if asked for."""
    rows = select(
        store,
        "SELECT * FROM model WHERE removed IS NULL OR :with_removed ORDER BY id",
        {"with_removed": int(with_removed)},
    )
    return [_from_row(Row("model", row)) for row in rows]


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
        StorageError: it was removed, or its file is missing; the one in use stays.
    """
    with write(store) as db:
        chosen = model(store, model_id)
        if chosen.removed is not None:
            raise StorageError(
                f"Model {model_id} ({chosen.name}) was removed. Restore it before it is used."
            )
        model_path(store, chosen)
        db.execute("UPDATE model SET current = 0 WHERE current = 1 AND id <> ?", (model_id,))
        db.execute("UPDATE model SET current = 1 WHERE id = ?", (model_id,))
    return model(store, model_id)


def rename_model(store: Store, model_id: int, name: str) -> Model:
    """Return the model with its new name.

    Raises:
        NotFound: there is none with this number.
        StorageError: an empty or overlong name.
    """
    cleaned = clean_label(name, "The name of the model")
    if not cleaned:
        raise StorageError("The model has no name. Give it one, such as the hand it reads.")
    with write(store) as db:
        model(store, model_id)
        db.table("model").update(model_id, {"name": cleaned})
    return model(store, model_id)


def remove_model(store: Store, model_id: int) -> Model:
    """Return the model, now hidden; `restore_model` brings it back.

    What it read stays. Its weights are deleted by `remove_orphans`, not before REMOVED_MODEL_AGE_S
    have passed.

    Raises:
        NotFound: there is none with this number.
        StorageError: it is in use.
    """
    with write(store) as db:
        found = model(store, model_id)
        if found.current:
            raise StorageError(
                f"Model {model_id} ({found.name}) is in use and cannot be removed. "
                "Set another model as the current one first."
            )
        if found.removed is None:
            db.table("model").update(model_id, {"removed": store.now()})
    return model(store, model_id)


def restore_model(store: Store, model_id: int) -> Model:
    """Return the model, back in the list.

    Raises:
        NotFound: there is none with this number.
        StorageError: its weights were deleted since.
    """
    with write(store) as db:
        model_path(store, model(store, model_id))
        db.table("model").update(model_id, {"removed": None})
    return model(store, model_id)


def model_usage(store: Store) -> dict[int, ModelUsage]:
    """Return by model number what it has read that is still there; without models that read none.

    A line counts for every model that has read it.
    """
    rows = select(
        store,
        """SELECT reading.model_id AS id, count(*) AS lines,
            count(DISTINCT line.page_id) AS pages, count(DISTINCT page.document_id) AS documents
        FROM reading JOIN line ON line.id = reading.line_id JOIN page ON page.id = line.page_id
        JOIN document ON document.id = page.document_id
        WHERE line.replaced IS NULL AND line.removed IS NULL AND page.removed IS NULL
        AND document.removed IS NULL GROUP BY reading.model_id""",
    )
    found = [Row("reading", values) for values in rows]
    return {
        row.integer("id"): ModelUsage(
            row.integer("lines"), row.integer("pages"), row.integer("documents")
        )
        for row in found
    }


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
        removed=row.optional_time("removed"),
    )
