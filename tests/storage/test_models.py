"""Models: kept by content, one in use."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from storage import (
    DamagedDatabase,
    Model,
    NotFound,
    StorageError,
    Store,
    current_model,
    model_path,
    models,
    register_model,
    set_current_model,
    verify_model,
    write,
)


def test_model_keeps_what_was_given(store: Store, tmp_path: Path, model: Model) -> None:
    source = tmp_path / "any name"
    source.write_bytes(b"weights two")
    made = register_model(
        store, source, "v2", ["a", "ẽ", " "], {"cer": 0.18}, {"lines": 64}, model.id
    )
    assert (made.name, made.parent_id, made.alphabet) == ("v2", model.id, ("a", "ẽ", " "))
    assert (made.scores, made.facts, made.current) == ({"cer": 0.18}, {"lines": 64}, False)
    sha256 = hashlib.sha256(b"weights two").hexdigest()
    assert model_path(store, made) == store.data_dir / "models" / f"{sha256}.safetensors"
    assert model_path(store, made).read_bytes() == b"weights two"
    assert source.exists()
    assert models(store) == [model, made]


def test_same_weights_are_registered_once(store: Store, tmp_path: Path, model: Model) -> None:
    (tmp_path / "w").write_bytes(b"weights one")
    assert register_model(store, tmp_path / "w", "Another name", []) == model
    assert models(store) == [model]
    assert list((store.data_dir / "tmp").iterdir()) == []


def test_no_model_is_in_use_before_one_is_chosen(store: Store, model: Model) -> None:
    assert current_model(store) is None


def test_exactly_one_model_is_in_use(store: Store, model: Model) -> None:
    second = register_model(store, b"weights two", "Second", [])
    assert set_current_model(store, model.id).current
    assert set_current_model(store, second.id).current
    assert [one.current for one in models(store)] == [False, True]
    assert set_current_model(store, second.id).current
    found = current_model(store)
    assert found is not None and found.id == second.id
    with pytest.raises(StorageError, match="UNIQUE constraint failed"), write(store) as db:
        db.execute("UPDATE model SET current = 1")


def test_model_that_cannot_be_used_does_not_replace_the_one_in_use(
    store: Store, model: Model
) -> None:
    set_current_model(store, model.id)
    second = register_model(store, b"weights two", "Second", [])
    model_path(store, second).unlink()
    with pytest.raises(StorageError, match=r"The weights of model 2 \(Second\) are missing"):
        set_current_model(store, second.id)
    with pytest.raises(NotFound, match="There is no model 8"):
        set_current_model(store, 8)
    found = current_model(store)
    assert found is not None and found.id == model.id


def test_unreadable_file_and_unknown_parent_are_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="could not be read or written: No such file"):
        register_model(store, tmp_path / "gone", "x", [])
    with pytest.raises(NotFound, match="There is no model 3"):
        register_model(store, b"w", "x", [], parent_id=3)
    assert models(store) == []


def test_changed_weights_are_noticed_and_repaired(store: Store, model: Model) -> None:
    verify_model(store, model)
    model_path(store, model).write_bytes(b"weights 0ne")
    with pytest.raises(DamagedDatabase, match="its content does not match its name"):
        verify_model(store, model)
    register_model(store, b"weights one", "again", [])
    verify_model(store, model)
