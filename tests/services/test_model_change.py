"""A model that another process puts to use reads the next page, without a restart."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import storage
from services import run_thread
from services.reader import PageReader
from services.settings import Settings
from tests.training.desk_data import SMALL, add_model, add_page, make_desk, that_reads
from tests.training.line_sets import tiny_trainable

LIMIT_S = 120


@pytest.fixture
def store(tmp_path: Path) -> Iterator[storage.Store]:
    with make_desk(tmp_path / "data", pages=0, model=that_reads("a")) as opened:
        yield opened


@pytest.fixture
def page_reader(store: storage.Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[PageReader]:
    monkeypatch.setattr(run_thread, "IDLE_S", 0.05)
    made = PageReader(Settings(store.data_dir, device="cpu", threads=1), store)
    made.start()
    yield made
    made.stop(60)


def promoted_elsewhere(store: storage.Store, model_id: int) -> None:
    with storage.open_store(store.data_dir, check=False) as other:
        storage.set_current_model(other, model_id)


def read_texts(store: storage.Store, reader: PageReader, page_id: int) -> set[str]:
    storage.queue_reading(store, page_id, {"lines": "keep"})
    reader.wake()
    limit_s = time.monotonic() + LIMIT_S
    while storage.page(store, page_id).state not in ("ready", "failed"):
        assert time.monotonic() < limit_s
        time.sleep(0.02)
    found = storage.page(store, page_id)
    assert (found.state, found.message) == ("ready", "")
    return {line.text for line in storage.lines_of(store, page_id)}


def test_next_page_is_read_by_the_model_promoted_meanwhile_and_by_the_old_one_after_going_back(
    store: storage.Store, page_reader: PageReader
) -> None:
    document = storage.add_document(store, "Letters")
    pages = [add_page(store, document.id, ["ab cd", "bad"], seed=n) for n in range(3)]
    second = add_model(store, that_reads("b"), "second")
    assert read_texts(store, page_reader, pages[0].id) == {"a"}
    promoted_elsewhere(store, second.id)
    assert read_texts(store, page_reader, pages[1].id) == {"b"}
    promoted_elsewhere(store, 1)
    assert read_texts(store, page_reader, pages[2].id) == {"a"}
    assert storage.models_of_page(store, pages[1].id) == [second.id]


def test_idle_reader_loads_the_new_model_ahead_of_the_next_page(
    store: storage.Store, page_reader: PageReader
) -> None:
    second = add_model(store, tiny_trainable(SMALL, seed=3), "second")
    for model_id in (1, second.id):
        promoted_elsewhere(store, model_id)
        limit_s = time.monotonic() + LIMIT_S
        while page_reader._recognizer_of != model_id:
            assert time.monotonic() < limit_s
            time.sleep(0.02)


def test_model_that_cannot_be_loaded_is_tried_once_and_its_successor_is_loaded(
    store: storage.Store, page_reader: PageReader
) -> None:
    broken = storage.register_model(store, b"no model", "broken", ["a"])
    promoted_elsewhere(store, broken.id)
    limit_s = time.monotonic() + LIMIT_S
    while page_reader._warm_up_failed != broken.id:
        assert time.monotonic() < limit_s
        time.sleep(0.02)
    promoted_elsewhere(store, 1)
    while page_reader._recognizer_of != 1:
        assert time.monotonic() < limit_s
        time.sleep(0.02)
