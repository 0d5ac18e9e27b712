"""Models: kept by content, one in use."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from storage import (
    DamagedDatabase,
    Model,
    ModelUsage,
    NewReading,
    NotFound,
    Page,
    StorageError,
    Store,
    add_readings,
    current_model,
    lines_of,
    model_path,
    model_usage,
    models,
    register_model,
    remove_line,
    remove_model,
    remove_orphans,
    remove_page,
    rename_model,
    restore_model,
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


def test_removed_model_is_hidden_and_comes_back(store: Store, model: Model) -> None:
    second = register_model(store, b"weights two", "Second", [])
    removed = remove_model(store, second.id)
    assert removed.removed is not None
    assert models(store) == [model]
    assert models(store, with_removed=True) == [model, removed]
    assert remove_model(store, second.id) == removed
    assert restore_model(store, second.id) == second
    assert models(store) == [model, second]


def test_model_in_use_cannot_be_removed(store: Store, model: Model) -> None:
    set_current_model(store, model.id)
    with pytest.raises(StorageError, match=r"Model 1 \(Latin cursive\) is in use and cannot be"):
        remove_model(store, model.id)
    assert models(store)[0].removed is None


def test_removed_model_cannot_be_used_before_it_is_restored(store: Store, model: Model) -> None:
    remove_model(store, model.id)
    with pytest.raises(StorageError, match="was removed. Restore it before"):
        set_current_model(store, model.id)
    restore_model(store, model.id)
    assert set_current_model(store, model.id).current


def test_removed_model_comes_back_when_it_is_imported_again(store: Store, model: Model) -> None:
    remove_model(store, model.id)
    assert register_model(store, b"weights one", "x", []) == model


def test_weights_of_a_removed_model_stay_for_a_month(
    store: Store, model: Model, clock: Callable[[], datetime]
) -> None:
    path = model_path(store, model)
    os.utime(path, (0, 0))
    remove_model(store, model.id)
    assert remove_orphans(store) == []
    clock.moment += timedelta(days=29)  # type: ignore[attr-defined]
    assert remove_orphans(store) == []
    clock.moment += timedelta(days=2)  # type: ignore[attr-defined]
    assert remove_orphans(store) == [path]
    with pytest.raises(StorageError, match="The weights of model 1 .* are missing"):
        restore_model(store, model.id)


def test_what_a_removed_model_read_stays(
    store: Store, page: Page, lines: list[int], model: Model
) -> None:
    remove_model(store, model.id)
    assert [line.text for line in lines_of(store, page.id)] == ["one", "two", "three"]


def test_model_is_renamed(store: Store, model: Model) -> None:
    assert rename_model(store, model.id, "  Kurrent\n1750 ").name == "Kurrent 1750"
    with pytest.raises(StorageError, match="The model has no name"):
        rename_model(store, model.id, " ")
    with pytest.raises(NotFound, match="There is no model 9"):
        rename_model(store, 9, "x")
    assert models(store)[0].name == "Kurrent 1750"


def test_use_of_models_is_counted_where_lines_are_still_there(
    store: Store, page: Page, lines: list[int], model: Model
) -> None:
    second = register_model(store, b"weights two", "Second", [])
    register_model(store, b"weights three", "Unused", [])
    add_readings(store, second.id, {lines[0]: NewReading("uno", 0.5)})
    assert model_usage(store) == {
        model.id: ModelUsage(lines=3, pages=1, documents=1),
        second.id: ModelUsage(lines=1, pages=1, documents=1),
    }
    remove_line(store, lines[0])
    assert model_usage(store) == {model.id: ModelUsage(lines=2, pages=1, documents=1)}
    remove_page(store, page.id)
    assert model_usage(store) == {}
