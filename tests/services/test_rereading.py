"""A page that another model reads again keeps its lines and what people wrote on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import storage
from htr.beam import BeamSearch
from htr.character_counts import build_character_model
from htr.language_file import save_beam_search
from services.services import Services
from tests.services.model_files import put_model, put_page, sleeping_services, wait_for


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    opened = sleeping_services(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def old(services: Services, tmp_path: Path) -> storage.Model:
    model = put_model(services, tmp_path, 1, "old")
    return storage.set_current_model(services.store, model.id)


@pytest.fixture
def new(services: Services, old: storage.Model, tmp_path: Path) -> storage.Model:
    return put_model(services, tmp_path, 2, "new")


def read(services: Services, page: storage.Page) -> None:
    services.reader.start()
    wait_for(lambda: storage.page(services.store, page.id).state in ("ready", "failed"))


def test_lines_stay_and_human_text_stays_while_the_machine_text_is_the_new_models(
    services: Services, old: storage.Model, new: storage.Model
) -> None:
    page = put_page(services, old)
    before = storage.lines_of(services.store, page.id)
    storage.correct_line(services.store, before[1].line.id, "by hand", "corrected", "ada", None)
    storage.set_current_model(services.store, new.id)
    assert services.read_with_current([page.id]) == [page.id]
    read(services, page)
    after = storage.lines_of(services.store, page.id)
    assert [(s.line.id, s.line.baseline) for s in after] == [
        (s.line.id, s.line.baseline) for s in before
    ]
    assert after[1].text == "by hand"
    assert storage.shown_models(services.store) == {page.id: {new.id: len(before)}}
    pairs = storage.reading_pairs(services.store, page_id=page.id)
    assert [pair.before for pair in pairs] == [f"machine {n + 1}" for n in range(len(before))]


def test_lines_that_the_model_has_read_already_are_not_read_again(
    services: Services, old: storage.Model, new: storage.Model
) -> None:
    page = put_page(services, old)
    first = storage.lines_of(services.store, page.id)[0].line.id
    storage.set_current_model(services.store, new.id)
    storage.add_readings(services.store, new.id, {first: storage.NewReading("kept", 0.5)})
    services.read_with_current([page.id])
    read(services, page)
    (run,) = storage.runs(services.store, "read")
    assert run.result == {"lines": 3, "model_id": new.id}
    assert storage.lines_of(services.store, page.id)[0].text == "kept"


def test_undecided_lines_are_read_again_once_the_language_model_helps(
    services: Services, old: storage.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = tmp_path / "box.safetensors"
    save_beam_search(box, BeamSearch(build_character_model(["ab", "ba"], old.alphabet)))
    monkeypatch.setattr("htr.shipped.LANGUAGE", box)
    page = put_page(services, old)
    before = storage.lines_of(services.store, page.id)
    storage.correct_line(services.store, before[1].line.id, "by hand", "corrected", "ada", None)
    storage.correct_line(services.store, before[2].line.id, "", "confirmed", "ada", None)
    services.read_with_language(True)
    wait_for(lambda: services.language.reads_for(old))
    assert storage.pages_read_otherwise(services.store, True) == {page.id}
    services.read_with_current([page.id])
    read(services, page)
    (run,) = storage.runs(services.store, "read")
    assert run.result == {"lines": 2, "model_id": old.id}
    after = storage.lines_of(services.store, page.id)
    assert [one.reading.with_language for one in after if one.reading] == [True, False, False, True]
    assert [one.reading.text for one in after[1:3] if one.reading] == ["machine 2", "machine 3"]
    assert after[1].text == "by hand"
    assert storage.pages_read_otherwise(services.store, True) == set()


def test_page_that_waits_to_be_segmented_is_left_to_that(
    services: Services, old: storage.Model
) -> None:
    page = put_page(services, old)
    services.segment_again([page.id], "opencv", "ada")
    assert services.read_with_current([page.id]) == []
    (run,) = storage.runs(services.store, "read", ["waiting"])
    assert run.settings["segmentation"] == "opencv"


def test_model_that_cannot_be_loaded_fails_the_page_and_keeps_its_readings(
    services: Services, old: storage.Model, new: storage.Model
) -> None:
    page = put_page(services, old)
    storage.set_current_model(services.store, new.id)
    storage.model_path(services.store, new).write_bytes(b"damaged")
    services.read_with_current([page.id])
    read(services, page)
    failed = storage.page(services.store, page.id)
    assert failed.state == "failed"
    assert "is not a safetensors file" in failed.message
    assert storage.lines_of(services.store, page.id)[0].text == "machine 1"
