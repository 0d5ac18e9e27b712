"""The model that comes with the app takes its place beside those of a data folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import storage
from htr.header import read_header
from htr.shipped import SHIPPED_NAMES, default_model_path
from services.model_shelf import ModelShelf
from services.shipped_model import ready_model

NAME = read_header(default_model_path()).name
WORSE: dict[str, Any] = {"test": {"cer": 0.9}}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[storage.Store]:
    with storage.open_store(tmp_path / "data") as opened:
        yield opened


def use(store: storage.Store, name: str = NAME, **known: Any) -> storage.Model:
    model = storage.register_model(store, name.encode(), name, ["a"], **known)
    return storage.set_current_model(store, model.id)


def names(store: storage.Store) -> list[tuple[str, bool]]:
    return [(model.name, model.current) for model in storage.models(store)]


def test_empty_folder_gets_the_shipped_model_once(store: storage.Store) -> None:
    ready_model(store)
    ready_model(store)
    assert names(store) == [(NAME, True)]


def test_better_one_takes_over_from_that_of_an_earlier_version_and_one_can_go_back(
    store: storage.Store,
) -> None:
    before = use(store, scores=WORSE)
    ready_model(store)
    assert [current for _, current in names(store)] == [False, True]
    assert ModelShelf(store).go_back().id == before.id
    ready_model(store)
    assert [current for _, current in names(store)] == [True, False]


@pytest.mark.parametrize("name", SHIPPED_NAMES)
def test_better_one_takes_over_from_one_of_an_earlier_version_with_another_name(
    store: storage.Store, name: str
) -> None:
    before = use(store, name, scores=WORSE)
    ready_model(store)
    current = storage.current_model(store)
    assert current is not None
    assert (current.name, current.parent_id) == (NAME, before.id)


@pytest.mark.parametrize("scores", [{}, {"test": {"cer": 0.0001}}, {"test": "unknown"}])
def test_one_that_read_better_stays_and_an_unmeasured_one_does_not(
    store: storage.Store, scores: Any
) -> None:
    use(store, scores=scores)
    ready_model(store)
    better = "test" not in scores or scores["test"] == "unknown"
    assert [current for _, current in names(store)] == [not better, better]


@pytest.mark.parametrize("known", [{"facts": {"imported_from": "mine.pth"}}, {"name": "my hand"}])
def test_model_that_was_brought_in_stays_in_use(store: storage.Store, known: Any) -> None:
    own = use(store, scores=WORSE, **known)
    ready_model(store)
    assert names(store) == [(own.name, True), (NAME, False)]


def test_model_that_was_taught_stays_in_use(store: storage.Store) -> None:
    first = use(store, scores=WORSE)
    taught = use(store, "letters, v2", scores=WORSE, parent_id=first.id)
    ready_model(store)
    assert storage.current_model(store) == taught
    assert names(store)[-1] == (NAME, False)


def test_one_that_somebody_removed_does_not_come_back(store: storage.Store) -> None:
    own = use(store, "my hand")
    ready_model(store)
    newest = storage.models(store)[-1]
    storage.remove_model(store, newest.id)
    ready_model(store)
    assert names(store) == [(own.name, True)]


def test_shipped_model_has_the_name_that_it_is_known_by() -> None:
    assert NAME == SHIPPED_NAMES[0]


def test_damaged_copy_of_the_app_reads_on_with_the_model_in_use(
    store: storage.Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = use(store, "my hand")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no model")
    monkeypatch.setattr("services.shipped_model.default_model_path", lambda: broken)
    ready_model(store)
    assert names(store) == [(own.name, True)]
